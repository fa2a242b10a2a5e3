//! The `rounds` binary: hands the arguments to the library and exits with its code. Nothing else lives here.

fn main() -> std::process::ExitCode {
    rounds::cli::main(std::env::args_os())
}
