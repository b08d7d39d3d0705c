//! What a person reads, from the first package to the first trust. `SKILLYARD_UPDATE_SNAPSHOTS=1` writes it anew: read
//! what it wrote before it is committed.

use std::{env, fs, path::Path};

use crate::{
    skillyard::{GOOD, ROOT},
    world::{ARTIFACT, ELEVENS, World, module, recorded},
};

#[test]
fn a_skill_s_way_from_a_folder_to_trust() {
    let world = World::new();
    world.0.write(
        "skill/skill.toml",
        GOOD.replace(
            "[operator]",
            "[capabilities]\nhttp_egress_allowlist = [\"api.northwind.example\"]\nsecrets = [{ scope = \
             \"skill:northwind.ledger_tools\", key_names = [\"api_token\"] }]\n\n[operator]",
        ),
    );
    world.0.write("skill/module.wasm", module(&[("wasi_snapshot_preview1", "path_open")]));
    world.0.write("skill/assets/rates.json", "{}\n");
    world.0.write("skill/README.md", "# Ledger\n");
    let mut text = String::new();
    let pair = format!("northwind={ELEVENS}");
    for arguments in [
        &["package", "skill", "--dry-run"][..],
        &["package", "skill"],
        &["package", "skill", "--key", "elevens.key"],
        &["verify", ARTIFACT],
        &["trust", "allow", &pair],
        &["trust", "list"],
        &["verify", ARTIFACT],
        &["audit", "skill"],
        &["audit", ARTIFACT],
        &["inspect", ARTIFACT],
        &["capabilities", "skill", "--against", ARTIFACT],
        &["verify", &recorded("h09-dup-evil-first")],
        &["trust", "remove", "northwind"],
    ] {
        let ran = world.run_with(&[("SOURCE_DATE_EPOCH", "1700000000")], arguments);
        let command = arguments.join(" ").replace(ROOT, "…");
        text.push_str(&format!("$ skillyard {command}\n{}{}[{}]\n\n", ran.err, ran.out, ran.code.unwrap()));
    }
    // Only the place of the test's folder differs from run to run.
    let here = world.0.path("").to_string_lossy().into_owned();
    let text = text.replace(here.trim_end_matches('/'), "~").replace('\\', "/");
    let path = Path::new(ROOT).join("tests/artifact/snapshots/transcript.txt");
    if env::var_os("SKILLYARD_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(text, expected, "differs from {}", path.display());
}
