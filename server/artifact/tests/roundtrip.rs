//! Arbitrary skills: what is packaged verifies, and what is unpacked are the very files that went in.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so and fails")]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use proptest::{collection::vec, prelude::*, sample::select};
use skillyard_artifact::{
    keys::{SigningKey, Source},
    package::{File, Inputs, package},
    provenance::Facts,
    trust::TrustStore,
    verify::{VerifyOptions, verify},
};
use skillyard_manifest::{grammar::Version, model::Manifest};

const PALYRA: Version = Version(0, 1, 0);

/// A name of one to three segments. The number in each first segment keeps names apart that a file system would take
/// for one, and a file from being a folder too: what is refused has tests of its own.
fn name(number: usize, ending: &'static str) -> impl Strategy<Value = String> {
    let segment = "[a-z0-9_äß漢 -]{0,6}[a-z0-9é]".prop_map(|text| format!("x{}", text.trim_start()));
    vec(segment, 1..4).prop_map(move |segments| format!("{number}{}{ending}", segments.join("/")))
}

/// Nothing, noise, one byte again and again, or words.
fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        vec(any::<u8>(), 1..3_000),
        (any::<u8>(), 1..200_000_usize).prop_map(|(byte, times)| vec![byte; times]),
        vec(select(vec!["north", "wind", " ", "\n", "ledger"]), 1..2_000).prop_map(|words| words.concat().into_bytes()),
    ]
}

/// A module with `content` in a custom section.
fn module(content: &[u8]) -> Vec<u8> {
    let mut size = content.len() + 2;
    let mut module = b"\0asm\x01\0\0\0\0".to_vec();
    while size >= 0x80 {
        module.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    module.push(u8::try_from(size).unwrap());
    module.extend(b"\x01x");
    module.extend(content);
    module
}

fn files(count: std::ops::Range<usize>, ending: &'static str) -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let file = move |number| (name(number, ending), content());
    count.prop_flat_map(move |count| (0..count).map(file).collect::<Vec<_>>()).prop_map(BTreeMap::from_iter)
}

/// Text as a TOML string can hold it, and a daemon takes as a name.
fn words() -> impl Strategy<Value = String> {
    "[a-zA-Zäß漢0-9 \"\\\\\n\t#=\\[\\]]{0,30}[a-z]"
}

/// The files of an archive, read by the `zip` crate alone.
fn unpacked(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(files.insert(entry.name().unwrap().into_owned(), content), None);
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_goes_in_comes_out(
        modules in files(1..4, ".wasm"),
        assets in files(0..6, ""),
        (title, description) in (words(), words()),
        seed in any::<[u8; 32]>(),
        moment in 0..4_000_000_000_000_i64,
    ) {
        let modules: BTreeMap<_, _> = modules.into_iter().map(|(name, content)| (name, module(&content))).collect();
        let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
        let manifest = format!(
            "skill_id = \"acme.echo\"\nname = {}\nversion = \"1.0.0\"\npublisher = \"acme\"\n\
             [compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\
             [[entrypoints.tools]]\nid = \"acme.echo.say\"\nname = \"Say\"\ndescription = {}\n\
             input_schema = {{ type = \"object\" }}\noutput_schema = {{ type = \"object\" }}\n",
            text(&title),
            text(&description),
        );
        let list = |files: &'_ BTreeMap<String, Vec<u8>>| -> Vec<(String, Vec<u8>)> {
            files.iter().map(|(path, content)| (path.clone(), content.clone())).collect()
        };
        let (module_list, asset_list) = (list(&modules), list(&assets));
        let key = SigningKey::parse(&seed, Source::File, None).unwrap();
        let inputs = Inputs {
            manifest: &manifest,
            modules: module_list.iter().map(|(path, content)| File { path, content }).collect(),
            assets: asset_list.iter().map(|(path, content)| File { path, content }).collect(),
            sbom: None,
            provenance: None,
            facts: Facts::default(),
            signed_at_unix_ms: moment,
            palyra: PALYRA,
        };
        let packaged = package(&inputs, &key, &()).map_err(|error| TestCaseError::fail(error.to_string()))?;

        let store = TrustStore::default();
        let options = VerifyOptions { trust: &store, allow_tofu: true, palyra: PALYRA };
        let verification = verify(&packaged.bytes, &options, &()).unwrap();
        prop_assert!(verification.accepted && verification.daemon_accepts, "{:?}", verification.error);
        prop_assert_eq!(verification.public_key, Some(key.public()));
        let artifact = verification.artifact.unwrap();

        let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        expected.extend(module_list.iter().map(|(path, content)| (format!("modules/{path}"), content.clone())));
        expected.extend(asset_list.iter().map(|(path, content)| (format!("assets/{path}"), content.clone())));
        let mut found = unpacked(&packaged.bytes);
        for made in ["provenance.json", "sbom.cdx.json", "signature.json", "skill.toml"] {
            let content = found.remove(made);
            prop_assert_eq!(content, artifact.entry(made).map(Cow::into_owned), "{}", made);
        }
        prop_assert_eq!(&found, &expected);
        for (path, content) in &expected {
            prop_assert_eq!(artifact.entry(path), Some(Cow::Borrowed(content.as_slice())), "{}", path);
        }
        let run: BTreeMap<String, Vec<u8>> =
            artifact.modules().map(|(path, content)| (path.to_owned(), content.into_owned())).collect();
        prop_assert_eq!(run.len(), module_list.len());
        prop_assert!(run.iter().all(|(path, content)| expected.get(path) == Some(content)));

        // The manifest says the same as before, and lists the files.
        let mut written: Manifest = toml::from_str(artifact.manifest_text()).unwrap();
        prop_assert_eq!(written.integrity.files.len(), expected.len() + 2);
        written.integrity.files.clear();
        prop_assert_eq!(written, toml::from_str::<Manifest>(&manifest).unwrap());
    }
}
