//! `rounds sandbox`: serves the sandbox on loopback until Ctrl-C, honest or with defects.

use std::net::{Ipv4Addr, SocketAddr};

use crate::population::Plan;
use crate::report::layout;
use crate::sandbox;
use crate::seed::Seed;

use super::super::args::{Common, SandboxArgs};
use super::super::exit::Exit;
use super::super::failure::Failure;
use super::super::{output, setup};

/// Serves.
///
/// # Errors
/// An unknown defect or variant, or a port that is taken.
pub fn run(common: &Common, args: &SandboxArgs) -> Result<Exit, Failure> {
    let seed = match args.seed.as_deref() {
        None => Seed::FIXED,
        Some(text) => text
            .parse()
            .map_err(|why: String| Failure::usage("use the seed", why, ""))?,
    };
    let patients = if args.patients == 0 {
        super::super::settings::DEFAULT_POPULATION
    } else {
        args.patients
    };
    let mut options = setup::sandbox_options(&args.defects, &args.variants, patients, seed)?;
    options.client = client(args)?;
    options.bind = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    if args.patients > 0 && options.preload.is_empty() {
        options.preload = setup::population(&Plan::new(seed, args.patients).with_witnesses());
    }
    let held = journal(common, args, &mut options)?;
    let planted: Vec<String> = options
        .defects
        .iter()
        .map(|defect| format!("defect   {}  {}", defect.id, defect.title))
        .chain(
            options
                .variants
                .iter()
                .map(|variant| format!("variant  {}  {}", variant.id, variant.title)),
        )
        .collect();
    let patient = options
        .preload
        .iter()
        .find(|value| value["resourceType"] == "Patient");
    let patient = patient
        .and_then(|value| value["id"].as_str())
        .map(str::to_owned);
    super::run::runtime()?.block_on(async {
        let running = sandbox::serve(options).await.map_err(|error| {
            Failure::usage(
                format!("listen on 127.0.0.1:{}", args.port),
                error.to_string(),
                "choose another port with --port N, or any free one with --port 0",
            )
        })?;
        let mut lines = vec![format!("sandbox  {}", running.base)];
        lines.extend(planted);
        lines.extend(held);
        if let Some(pem) = &running.ca_pem {
            std::fs::write(&args.ca_out, pem).map_err(|error| {
                Failure::usage(
                    format!("write {}", args.ca_out.display()),
                    error.to_string(),
                    "use --ca-out FILE",
                )
            })?;
            lines.push(format!("ca       {}", args.ca_out.display()));
        }
        if let Some(url) = &running.token_url {
            let how = match running.ca_pem {
                Some(_) => "secret sandbox",
                None => "assertion signed with a key of --client-jwks",
            };
            lines.push(format!("token    {url}  client rounds, {how}"));
        }
        if let Some(patient) = patient {
            lines.push(format!("patient  {patient}"));
        }
        if !common.quiet {
            lines.push("Ctrl-C ends it".to_owned());
        }
        output::print(&lines.join("\n"));
        tokio::signal::ctrl_c()
            .await
            .map_err(|error| Failure::usage("wait for Ctrl-C", error.to_string(), ""))?;
        if !common.quiet {
            output::print(&format!(
                "{} requests, {} of them writes",
                running.log.total(),
                running.log.mutating()
            ));
        }
        Ok(Exit::Ok)
    })
}

/// Opens the journal; gives the line that says what it holds.
fn journal(
    common: &Common,
    args: &SandboxArgs,
    options: &mut sandbox::Options,
) -> Result<Option<String>, Failure> {
    let Some(file) = &args.journal else {
        return Ok(None);
    };
    let opened = sandbox::Journal::open(file).map_err(|why| {
        Failure::usage(
            format!("use the journal {}", file.display()),
            why,
            "name a file that `rounds sandbox --journal` wrote, or one that does not exist yet",
        )
    })?;
    if let Some(warning) = opened.warning.filter(|_| !common.quiet) {
        eprintln!("warning: {}: {warning}", file.display());
    }
    options.journal = Some(opened.journal);
    let held = layout::counted(opened.versions, "version");
    Ok(Some(format!("journal  {}  {held}", file.display())))
}

/// The client that is registered with the variant `smart`, which is of no use without one.
fn client(args: &SandboxArgs) -> Result<Option<sandbox::Client>, Failure> {
    let is_smart = args.variants.iter().any(|id| id == "smart");
    let Some(file) = &args.client_jwks else {
        return match is_smart {
            false => Ok(None),
            true => Err(Failure::usage(
                "serve the variant smart",
                "no client is registered, so nobody could get a token",
                "name the public keys of the client `rounds`: --client-jwks FILE (a JWK Set)",
            )),
        };
    };
    let jwks = setup::read_json(file)?;
    let has_keys = jwks["keys"].as_array().is_some_and(|keys| !keys.is_empty());
    if !has_keys {
        return Err(Failure::usage(
            format!("use {}", file.display()),
            "it is no JWK Set with keys",
            "a JWK Set looks like {\"keys\": [{\"kty\": \"EC\", …}]}",
        ));
    }
    Ok(Some(sandbox::Client {
        id: setup::SANDBOX_CLIENT.to_owned(),
        jwks,
    }))
}
