//! Every console block of the README is what the program really prints, but for times, ports and ids.

use std::process::Command;

use regex::Regex;

/// A command of the README with the output that it promises.
struct Block {
    command: String,
    output: Vec<String>,
}

fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        for line in lines.by_ref().take_while(|line| *line != "```") {
            match line.strip_prefix("$ ") {
                Some(command) => blocks.push(Block {
                    command: command.to_owned(),
                    output: Vec::new(),
                }),
                None => blocks
                    .last_mut()
                    .expect("a block begins with a command")
                    .output
                    .push(line.to_owned()),
            }
        }
    }
    blocks
}

/// Times, ports, ids and tokens differ from run to run, and with them the width of what stands between columns.
fn normal(line: &str) -> String {
    let replacements = [
        (r"127\.0\.0\.1:\d+", "HOST"),
        (r"\d{8}-\d{6}-[0-9a-f]+(-\d+)?", "RUN"),
        (r"\b[a-z2-7]{16}-[0-9a-f]{12,16}\b", "UNIQUE"),
        (r"%7C[a-z2-7]{16}-[0-9a-f]+", "%7CUNIQUE"),
        (r"\b[0-9a-f]{16}\b", "ID"),
        (r"\b\d+m \d\ds\b|\b\d+(\.\d+)?(ms|µs|s)\b", "TIME"),
        (r" {2,}", "  "),
    ];
    replacements
        .iter()
        .fold(line.trim_end().to_owned(), |text, (pattern, name)| {
            Regex::new(pattern)
                .expect("a fixed pattern")
                .replace_all(&text, *name)
                .into_owned()
        })
}

#[test]
fn every_console_block_of_the_readme_is_what_the_program_prints() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 2, "the README has console blocks");
    for block in blocks {
        let folder = std::env::temp_dir().join(format!("rounds-readme-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let arguments: Vec<&str> = block.command.split_whitespace().collect();
        assert_eq!(arguments[0], "rounds", "{}", block.command);
        let output = Command::new(env!("CARGO_BIN_EXE_rounds"))
            .args(&arguments[1..])
            .current_dir(&folder)
            .env_clear()
            .output()
            .unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let printed: Vec<String> = printed.lines().map(normal).collect();
        let promised: Vec<String> = block.output.iter().map(|line| normal(line)).collect();
        assert_eq!(printed, promised, "{}", block.command);
    }
}
