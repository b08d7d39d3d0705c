//! What is measured.

use std::{
    error::Error,
    fs,
    hint::black_box,
    io::{Cursor, Read as _},
    path::Path,
};

use skillyard_artifact::{
    audit::{Policy, Subject, audit},
    keys::{SigningKey, Source},
    package::{File, Inputs, package},
    provenance::Facts,
    trust::TrustStore,
    verify::{VerifyOptions, verify},
};
use skillyard_manifest::{grammar::Version, model::Manifest};

use crate::{
    Case,
    inputs::{self, MANIFEST, PUBLISHER},
};

/// The version of the daemon.
const PALYRA: Version = Version(0, 1, 0);
/// The modules that are audited, the small ones first.
const AUDITED: [&str; 4] = ["invoke-quickjs", "ledger", "feed", "invoke-spidermonkey"];

/// A skill that is packaged and verified: a name for its size, its modules, and how many bytes of content it has at
/// least, filled up with assets.
struct Skill {
    size: &'static str,
    modules: &'static [&'static str],
    bytes: usize,
}

const SKILLS: [Skill; 3] = [
    Skill { size: "2 KB", modules: &["count"], bytes: 0 },
    Skill { size: "1 MB", modules: &["invoke-quickjs"], bytes: 1_200_000 },
    Skill { size: "10 MB", modules: &["invoke-quickjs", "ledger"], bytes: 10_000_000 },
];

/// Whose artifacts are trusted, as `PUBLISHER=KEY`.
pub fn trusted() -> Result<String, Box<dyn Error>> {
    Ok(format!("{PUBLISHER}={}", key()?.public()))
}

/// Every case that the modules in `folder` allow. The artifacts are written into `out`.
pub fn all(folder: &Path, out: &Path) -> Result<Vec<Case>, Box<dyn Error>> {
    let module = |name: &str| fs::read(folder.join(format!("{name}.wasm"))).ok();
    let mut verified = Vec::new();
    let mut packaged = Vec::new();
    for skill in SKILLS {
        let modules: Option<Vec<_>> = skill.modules.iter().map(|name| Some((*name, module(name)?))).collect();
        let Some(modules) = modules else {
            println!("{}: left out, since a module is missing", skill.size);
            continue;
        };
        let small = skill.bytes == 0;
        let code: usize = modules.iter().map(|(_, bytes)| bytes.len()).sum();
        let assets = inputs::assets(skill.bytes.saturating_sub(code));
        let bytes = make(&modules, &assets, small)?;
        let content = content(&bytes)?;
        let content: Vec<&[u8]> = content.iter().map(Vec::as_slice).collect();

        let file = format!("{}.palyra-skill", skill.size.to_lowercase().replace(' ', "-"));
        fs::write(out.join(&file), &bytes)?;
        let mut trust = TrustStore::default();
        trust.trusted.entry(PUBLISHER.to_owned()).or_default().insert(key()?.public());
        let mut case = Case::new(format!("verify, {}", skill.size), &content, move || {
            let options = VerifyOptions { trust: &trust, allow_tofu: false, palyra: PALYRA };
            let verification = verify(&bytes, &options, &());
            assert!(black_box(verification).is_ok_and(|it| it.accepted));
        })?;
        case.artifact = Some((file, skill.size));
        verified.push(case);
        if !small {
            packaged.push(Case::new(format!("package, {}", skill.size), &content, move || {
                assert!(black_box(make(&modules, &assets, false)).is_ok());
            })?);
        }
    }
    let mut cases = verified;
    cases.append(&mut packaged);
    for name in AUDITED {
        let Some(bytes) = module(name) else {
            println!("audit of {name}: left out, since the module is missing");
            continue;
        };
        let manifest: Manifest = toml::from_str(MANIFEST)?;
        let title = format!("audit, `{name}.wasm` of {:.1} MB", bytes.len() as f64 / 1e6);
        let content = bytes.clone();
        cases.push(Case::new(title, &[&content], move || {
            let modules = [("modules/module.wasm", bytes.as_slice())];
            let subject = Subject {
                manifest: &manifest,
                warnings: &[],
                modules: &modules,
                sbom: true,
                provenance: true,
                signature: None,
            };
            // Larger modules than a daemon looks into are to be read here too.
            let policy = Policy { max_module_bytes: 16 << 20, ..Policy::default() };
            let report = audit(&subject, &policy, 0, None, &());
            assert!(black_box(report).is_ok_and(|report| report.modules.iter().all(|module| module.kind.is_some())));
        })?);
    }
    Ok(cases)
}

fn key() -> Result<SigningKey, Box<dyn Error>> {
    Ok(SigningKey::parse(&[0x11; 32], Source::File, None)?)
}

/// Packages a skill. A small one brings the least documents that a daemon takes, the others have theirs made.
fn make(modules: &[(&str, Vec<u8>)], assets: &[(String, Vec<u8>)], small: bool) -> Result<Vec<u8>, Box<dyn Error>> {
    let paths: Vec<String> = modules.iter().map(|(name, _)| format!("{name}.wasm")).collect();
    let modules = paths.iter().zip(modules).map(|(path, (_, content))| File { path, content }).collect();
    let inputs = Inputs {
        manifest: MANIFEST,
        modules,
        assets: assets.iter().map(|(path, content)| File { path, content }).collect(),
        sbom: small.then_some(inputs::SBOM),
        provenance: small.then_some(inputs::PROVENANCE),
        facts: Facts::default(),
        signed_at_unix_ms: 1_770_000_000_000,
        palyra: PALYRA,
    };
    Ok(package(&inputs, &key()?, &())?.bytes)
}

/// What the archive holds, entry by entry.
fn content(archive: &[u8]) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    let mut content = Vec::new();
    for index in 0..archive.len() {
        let mut bytes = Vec::new();
        archive.by_index(index)?.read_to_end(&mut bytes)?;
        content.push(bytes);
    }
    Ok(content)
}
