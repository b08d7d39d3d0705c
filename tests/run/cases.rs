//! `skillyard test`.

use serde_json::{Value, json};

use crate::{
    guest::{ASKS, FOLDERS, Guest},
    skillyard::holds_against,
};

#[test]
fn the_report_of_the_cases_holds_to_its_schema() {
    let guest = Guest::named("command", &["echo", "read"], FOLDERS);
    guest.0.0.write("skill/tests/a-fine.json", r#"{"tool": "acme.echo", "input": [1], "expect": {"output": [1]}}"#);
    guest.0.0.write(
        "skill/tests/b-reads.json",
        r#"{"tool": "acme.read", "input": "in/a", "files": {"in/a": "written"}, "expect": {"output": "written"}}"#,
    );
    guest.0.0.write("skill/tests/c-fails.json", r#"{"tool": "acme.echo", "input": 1, "expect": {"output": 2}}"#);
    guest.0.0.write("skill/tests/d-broken.json", "{");
    let report = guest.0.run(&["test", "skill", "--format", "json"]).exits(1).quietly().json();
    holds_against("schema/test-report.schema.json", &report);
    assert_eq!(
        (&report["skill_id"], &report["passed"], &report["failed"]),
        (&json!("acme.guest"), &json!(2), &json!(2))
    );
    let cases = report["cases"].as_array().unwrap();
    let names: Vec<_> = cases.iter().map(|case| case["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a-fine.json", "b-reads.json", "c-fails.json", "d-broken.json"]);
    for case in cases {
        assert_eq!(case["report"].is_null(), case["name"] == "d-broken.json");
        let Value::Object(mut call) = case["report"].clone() else { continue };
        // What the one schema leaves to the other.
        call.insert("schema_version".to_owned(), json!(1));
        holds_against("schema/run-report.schema.json", &Value::Object(call));
    }
    let help = guest.0.run(&["test", "--help"]).exits(0).out;
    assert!(help.contains("schema/test-report.schema.json") && help.contains("schema/test-case.schema.json"), "{help}");
}

#[test]
fn a_case_asks_as_a_real_call_does() {
    let guest = Guest::named("skill", &["ask"], ASKS);
    let answer = |url: &str, answer: Value| json!({"request": {"method": "GET", "url": url}, "response": answer});
    let redirect = |to: &str| json!({"status": 302, "headers": {"Location": to}});
    let fine = || json!({"status": 200, "body": "fine"});
    let from = "http://localhost/x?y=1";
    let case = |name: &str, input: &str, http: Vec<Value>, output: &str| {
        let case =
            json!({"tool": "acme.ask", "input": input, "approve": true, "http": http, "expect": {"output": output}});
        guest.0.0.write(&format!("skill/tests/{name}.json"), case.to_string());
    };
    case(
        "a-follows",
        "localhost",
        vec![answer(from, redirect("/next")), answer("http://localhost/next", fine())],
        "200 fine",
    );
    case("b-leaves", "localhost", vec![answer(from, redirect("http://other.example/"))], "refused");
    let report = guest.0.run(&["test", "skill", "--format", "json"]).exits(0).json();
    assert_eq!(report["passed"], 2, "{report:#}");
    // What a real call is refused at once is not asked for at all.
    case("c-port", "localhost:8080", vec![answer("http://localhost:8080/x?y=1", fine())], "refused");
    let report = guest.0.run(&["test", "skill", "--format", "json"]).exits(1).json();
    let port = &report["cases"][2];
    assert_eq!(port["report"]["output"], "refused", "{port:#}");
    assert!(port["failures"][0].as_str().unwrap().contains("never made"), "{port:#}");
}
