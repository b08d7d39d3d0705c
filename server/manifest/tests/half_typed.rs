//! Manifests as they are seen most of the time: half-typed. One slip gives one finding, two at most, and what stands
//! below it is understood as if nothing had happened.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

use skillyard_manifest::{Options, analyze};

/// A good manifest but for its last line, which every analysis must still find.
const MANIFEST: &str = r#"manifest_version = 2
skill_id = "acme.weather"
name = "Weather"
version = "1.0.0"
publisher = "acme"

[operator]
display_name = "Forecast"
tags = ["forecast", "storm"]

[operator.config]
required = ["city"]

[operator.config.properties.city]
type = "string"
title = "City"

[[entrypoints.tools]]
id = "acme.weather.today"
name = "Today"
description = """
Tells today's weather,
and the wind."""
risk = { default_sensitive = false, requires_approval = true }

[entrypoints.tools.input_schema]
type = "object"
required = ["city"]
properties = { city = { type = "string" } }

[entrypoints.tools.output_schema]
type = "object"

[compat]
required_protocol_major = 1
min_palyra_version = "0.1.0"

[capabilities]
http_egress_allowlist = [
    "api.acme.example",
    "web.acme.example",
]

[capabilities.quotas]
fuel_budget = "sentinel"
"#;

/// What is typed: a place in the manifest, what stands there instead, and how many findings that is.
#[rustfmt::skip]
const SLIPS: &[(&str, &str, usize)] = &[
    // Strings.
    ("\"Weather\"\nversion", "\"Weather\nversion", 1),
    ("name = \"Weather\"", "name = \"", 1),
    ("name = \"Weather\"", "name = Weather\"", 1),
    ("name = \"Weather\"", "name = Weather", 1),
    ("name = \"Weather\"", "name = 'Weather", 1),
    ("name = \"Weather\"", "name = \"Weather'", 1),
    ("name = \"Weather\"", "name = \"\"\"Weather", 1),
    ("name = \"Weather\"", "name = '''Weather", 1),
    ("name = \"Weather\"", "name = \"Wea\"ther\"", 1),
    ("name = \"Weather\"", "name = \"Wea\\ther\\\"", 1),
    ("name = \"Weather\"", "name = \"C:\\Weather\"", 1),
    ("and the wind.\"\"\"", "and the wind.", 1),
    ("and the wind.\"\"\"", "and the wind.\"", 1),
    ("and the wind.\"\"\"", "and the wind.\"\"\"\"\"\"", 1),
    ("\"forecast\", \"storm\"]", "\"forecast, \"storm\"]", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\", \"storm]", 1),
    ("\"api.acme.example\",", "\"api.acme.example,", 1),
    ("\"api.acme.example\",", "api.acme.example\",", 1),
    // Keys, equals signs, values.
    ("name = \"Weather\"\nv", "name =\nv", 1),
    ("name = \"Weather\"\nv", "name\nv", 1),
    ("name = \"Weather\"\nv", "na\nname = \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name: \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name : \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name == \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name := \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "\"name = \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "= \"Weather\"\nname = \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name = \"Weather\",\nv", 1),
    ("name = \"Weather\"\nv", "name = \"Weather\";\nv", 1),
    ("name = \"Weather\"\nv", "name = \"Weather\" version = \"1.0.0\"\nv", 1),
    ("name = \"Weather\"\nv", "name. = \"Weather\"\nv", 1),
    ("name = \"Weather\"\nv", "name = \"Weather\"\nname = \"Weather\"\nv", 1),
    ("version = \"1.0.0\"", "version = 1.0.0", 1),
    ("manifest_version = 2", "manifest_version = 02", 1),
    ("manifest_version = 2", "manifest_version = 2.", 1),
    ("requires_approval = true", "requires_approval = True", 1),
    ("requires_approval = true", "requires_approval = tru", 1),
    ("requires_approval = true", "requires_approval = ", 1),
    ("requires_approval = true", "requires_approval", 1),
    ("required_protocol_major = 1", "required_protocol_major = -", 1),
    // Brackets and commas.
    ("\"forecast\", \"storm\"]", "\"forecast\", \"storm\"", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\", ", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\" \"storm\"]", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\",, \"storm\"]", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\", \"storm\"}", 1),
    ("\"forecast\", \"storm\"]", "\"forecast\", \"storm\"]]", 1),
    ("tags = [\"forecast\", \"storm\"]", "tags = [", 1),
    ("tags = [\"forecast\", \"storm\"]", "tags = \"forecast\", \"storm\"]", 1),
    ("\"api.acme.example\",", "\"api.acme.example\"", 1),
    ("    \"web.acme.example\",\n]", "    \"web.acme.example\",", 1),
    ("    \"web.acme.example\",\n]", "", 1),
    ("requires_approval = true }", "requires_approval = true", 1),
    ("requires_approval = true }", "requires_approval = true ]", 1),
    ("false, requires", "false requires", 1),
    ("risk = { default_sensitive = false, requires_approval = true }", "risk = {", 1),
    ("{ city = { type = \"string\" } }", "{ city = { type = \"string\" }", 1),
    ("{ city = { type = \"string\" } }", "{ city = { type = \"string\"", 1),
    ("{ city = { type = \"string\" } }", "{ city = { type = ", 1),
    ("{ city = { type = \"string\" } }", "{ city = ", 1),
    ("{ city = { type = \"string\" } }", "{ city", 1),
    // Headers.
    ("[compat]", "[compat", 1),
    ("[compat]", "[comp", 1),
    ("[compat]\nreq", "compat]\nreq", 1),
    ("[compat]", "compat", 1),
    ("[compat]", "compat:", 1),
    ("[compat]", "(compat)", 1),
    ("[compat]", "+[compat]", 1),
    ("[compat]", "- [compat]", 1),
    ("[compat]\n", "[compat]\nrequired_protocol_major = 1\nmin_palyra_version = \"0.1.0\"\n\n[compat]\n", 1),
    ("[operator]\n", "operator\n", 1),
    ("[operator]\n", "operator]\n", 1),
    ("[operator]\n", "{operator}\n", 1),
    ("[operator]\n", "<operator>\n", 1),
    ("[operator]\n", "operator =\n", 1),
    ("[operator]\n", "operator = [\n", 1),
    ("[operator.config]", "operator.config", 1),
    ("[[entrypoints.tools]]", "entrypoints.tools", 1),
    ("[[entrypoints.tools]]", "entrypoints.tools]]", 1),
    ("[capabilities]\n", "[capabilities\nwrite_roots = [\"data\"]\n\n[capabilities]\n", 1),
    ("[capabilities]\n", "[capabilities filesystem]\nwrite_roots = [\"data\"]\n\n[capabilities]\n", 1),
    ("[capabilities.quotas]\n", "[capabilities\nwrite_roots = [\"data\"]\n\n[capabilities.quotas]\n", 1),
    ("[capabilities.quotas]\n", "[capabilities quotas]\n", 1),
    ("[capabilities.quotas]\n", "[capabilities quotas\n", 1),
    ("[[entrypoints.tools]]", "[[entrypoints tools]", 1),
    ("[compat]", "[", 1),
    ("[compat]", "[]", 1),
    ("[compat]", "[compat.]", 1),
    ("[compat]", "[compat].", 1),
    ("[compat]", "[[compat]", 1),
    ("[compat]", "[compat]]", 1),
    ("[compat]", "[compat] required_protocol_major = 1", 1),
    ("[[entrypoints.tools]]", "[[entrypoints.tools]", 1),
    ("[[entrypoints.tools]]", "[[entrypoints.tools", 1),
    ("[[entrypoints.tools]]", "[[entrypoints.", 1),
    ("[operator.config]", "[operator. config", 1),
    // Pasted garbage.
    ("[operator]\n", "The weather is fine today.\n[operator]\n", 1),
    ("[operator]\n", "The weather is fine today,\nand so it was\n\n- yesterday; and\n- before\n[operator]\n", 1),
    ("[operator]\n", "{\n  \"name\": \"Weather\",\n  \"tags\": [\"a\"]\n}\n[operator]\n", 1),
    ("[operator]\n", "<<<<<<< HEAD\n[operator]\n", 1),
    ("[operator]\n", "=======\n[operator]\n", 1),
    ("[operator]\n", "// a comment\n[operator]\n", 1),
    ("[operator]\n", "}\n[operator]\n", 1),
    ("[operator]\n", "]\n)\n[operator]\n", 1),
];

#[test]
fn one_slip_is_one_finding_and_the_rest_is_understood() {
    let good = analyze(MANIFEST, &Options::default());
    assert_eq!(good.diagnostics.len(), 1, "{:#?}", good.diagnostics);
    let mut failures = Vec::new();
    for (place, typed, expected) in SLIPS {
        assert_eq!(MANIFEST.matches(place).count(), 1, "{place:?} is one place");
        assert!(*expected <= 2);
        let text = MANIFEST.replace(place, typed);
        let analysis = analyze(&text, &Options::default());
        let sentinel = |span: skillyard_manifest::Span| span.of(&text) == "\"sentinel\"";
        let others: Vec<String> = analysis
            .diagnostics
            .iter()
            .filter(|d| !sentinel(d.span))
            .map(|d| format!("    {} {:?}: {}", d.rule.code, d.span.of(&text), d.message))
            .collect();
        if others.len() == analysis.diagnostics.len() {
            failures.push(format!("{typed:?}: the last section is lost:\n{}", others.join("\n")));
        } else if others.len() != *expected {
            failures.push(format!("{typed:?}: {} findings, not {expected}:\n{}", others.len(), others.join("\n")));
        }
    }
    assert!(SLIPS.len() >= 60);
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), SLIPS.len(), failures.join("\n"));
}
