//! `skillyard inspect`: everything that an artifact says about itself.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use skillyard_project::{
    ErrorKind,
    inspect::{Dependencies, Inspected, Module, inspect},
};

use crate::{
    error::Error,
    exit::Exit,
    json,
    machine::{self, Format, PalyraArguments, SCHEMA_VERSION, TrustArguments},
    out,
    report::skill,
    sheet::{Sheet, Tone, number, size},
    watch::Watch,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  skillyard inspect dist/acme.ledger-1.2.0.palyra-skill
  skillyard inspect --format json acme.palyra-skill

It also shows what is broken or by a publisher that you do not know. Nothing is run, written or connected to.

Exit codes: 0 whole and signed, by whomever; 1 refused for another reason than trust; 2 the command could not do \
its work.")]
pub struct Arguments {
    /// The artifact; `-` is standard input
    artifact: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    palyra: PalyraArguments,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// The names of a module that are listed for a person.
const SHOWN: usize = 12;

/// Inspects and reports.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let home = machine::home(arguments.trust.trust_store.clone())?;
    let bytes = machine::artifact(&arguments.artifact)?;
    let watch = Watch::new();
    let inspected = inspect(&bytes, &home, &arguments.trust.options(false), arguments.palyra.version(), &watch);
    drop(watch);
    let inspected = inspected.map_err(Error::Flow)?;
    let text = match arguments.format {
        Format::Human => {
            human(&inspected, &skill::Given { path: &arguments.artifact, home: &home, flags: skill::LOOK })
        }
        Format::Json => json::line(&document(&inspected)) + "\n",
    };
    out::print(&text)?;
    let about = &inspected.verification;
    let only_trust = matches!(
        about.error_kind,
        Some(ErrorKind::UntrustedPublisher | ErrorKind::TrustedPublisherKeyMismatch | ErrorKind::TofuKeyMismatch)
    );
    Ok(if about.accepted || only_trust { Exit::Fine } else { Exit::Findings })
}

fn document(inspected: &Inspected<'_>) -> Value {
    let mut document = json!({ "schema_version": SCHEMA_VERSION });
    let more = json!({
        "manifest": inspected.manifest,
        "capabilities": inspected.capabilities,
        "modules": inspected.modules.iter().map(|(path, module)| about_module(inspected, path, module)).collect::<Vec<_>>(),
        "sbom": inspected.sbom.as_ref().map(|sbom| json!({
            "self_declared": true,
            "spec_version": sbom.spec_version,
            "timestamp": sbom.timestamp,
            "components": sbom.component_count,
        })),
        "provenance": inspected.provenance.as_ref().map(|made| json!({
            "self_declared": made.self_declared,
            "builder_id": made.builder_id,
            "build_type": made.build_type,
            "invocation_id": made.invocation_id,
            "sources": made.sources.iter().map(|source| json!({ "uri": source.uri, "digest": source.digest })).collect::<Vec<_>>(),
            "started_on": made.started_on,
            "finished_on": made.finished_on,
            "subjects": made.subject_count,
        })),
    });
    if let (Some(document), Ok(Value::Object(about)), Value::Object(more)) =
        (document.as_object_mut(), serde_json::to_value(&inspected.verification), more)
    {
        document.extend(about);
        document.extend(more);
    }
    document
}

fn about_module(inspected: &Inspected<'_>, path: &str, module: &Module) -> Value {
    let name = |module: &str, name: &str| if module.is_empty() { name.to_owned() } else { format!("{module}.{name}") };
    json!({
        "path": path,
        "bytes": module.bytes,
        "kind": inspected.kind(module),
        "component": module.component,
        "fault": module.fault.as_ref().map(|fault| &fault.message),
        "imports": module.imports.iter().map(|import| name(&import.module, &import.name)).collect::<Vec<_>>(),
        "import_count": module.import_count,
        "exports": module.exports.iter().map(|export| &export.name).collect::<Vec<_>>(),
        "export_count": module.export_count,
        "producers": module.producers.iter().map(|made| json!({ "field": made.field, "name": made.name, "version": made.version })).collect::<Vec<_>>(),
        "packages": match &module.dependencies {
            Dependencies::Listed(packages) => packages
                .iter()
                .map(|package| json!({ "name": package.name, "version": package.version, "source": package.source }))
                .collect(),
            Dependencies::Unknown | Dependencies::Unreadable(_) => Value::Null,
        },
    })
}

fn human(inspected: &Inspected<'_>, given: &skill::Given<'_>) -> String {
    let mut sheet = Sheet::new();
    let about = &inspected.verification;
    skill::title(&mut sheet, about, given);
    if let Some(manifest) = &inspected.manifest {
        sheet.line(&format!("{} (what follows is what it says about itself)", manifest.name));
        sheet.rows("summary", manifest.operator.summary.iter());
        sheet.rows("docs", manifest.operator.docs_url.iter());
        sheet.blank();
    }
    skill::verdict(&mut sheet, about, given);
    skill::signature(&mut sheet, about);
    if let (Some(grants), Some(bindings)) = (&about.grants, &about.policy_bindings) {
        skill::may(&mut sheet, grants, bindings);
    }
    if !about.entries.is_empty() {
        sheet.heading("Files");
        for entry in &about.entries {
            sheet.item(Tone::Plain, "-", &format!("{}, {}", entry.path, size(entry.bytes)));
        }
    }
    for (path, module) in &inspected.modules {
        sheet.heading(path);
        human_module(&mut sheet, inspected, module);
    }
    if inspected.sbom.is_some() || inspected.provenance.is_some() {
        sheet.heading("How it was built, self-declared: nobody but the publisher says so");
    }
    if let Some(sbom) = &inspected.sbom {
        let version = sbom.spec_version.as_deref().unwrap_or("of no version");
        sheet.row("SBOM", &format!("CycloneDX {version}, {}", number(sbom.component_count, "component")));
    }
    if let Some(made) = &inspected.provenance {
        sheet.rows("built by", made.builder_id.iter());
        sheet.rows("run", made.invocation_id.iter());
        // The files of the artifact itself are listed above.
        let is_address = |uri: &String| uri.contains("://");
        let sources = made.sources.iter().filter(|source| source.uri.as_ref().is_some_and(is_address)).map(|source| {
            let uri = source.uri.as_deref().unwrap_or("a source without a name");
            source.digest.as_ref().map_or_else(|| uri.to_owned(), |digest| format!("{uri} at {digest}"))
        });
        sheet.rows("from", sources);
    }
    sheet.findings(&skill::findings(about));
    sheet.finish()
}

fn human_module(sheet: &mut Sheet, inspected: &Inspected<'_>, module: &Module) {
    match &module.fault {
        Some(fault) => sheet.toned_row(Tone::Bad, "no module", &fault.message),
        None => sheet.row("kind", inspected.kind(module).unwrap_or("unknown")),
    }
    let list = |names: Vec<String>, count: u64| {
        let shown: Vec<String> = names.into_iter().take(SHOWN).collect();
        let more = count.saturating_sub(shown.len() as u64);
        let more = (more > 0).then(|| format!("… and {more} more"));
        shown.into_iter().chain(more).collect::<Vec<_>>()
    };
    let imports = module.imports.iter().map(|import| match import.module.as_str() {
        "" => import.name.clone(),
        from => format!("{from} {}", import.name),
    });
    sheet.rows("imports", list(imports.collect(), module.import_count));
    sheet.rows("exports", list(module.exports.iter().map(|export| export.name.clone()).collect(), module.export_count));
    let made = module.producers.iter().map(|made| format!("{} {}", made.name, made.version).trim().to_owned());
    sheet.rows("made with", made);
    let packages = module.dependencies.listed();
    if !packages.is_empty() {
        sheet.row("packages", &number(packages.len(), "package"));
    }
}
