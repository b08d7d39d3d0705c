"""Asks the libraries of CycloneDX and in-toto about the documents of artifacts.

Each argument is a folder with `sbom.cdx.json` and `provenance.json`. Prints what is wrong, a line each; nothing when
all is well.
"""

import json
import pathlib
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf.json_format import Parse
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage


def sbom(text):
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        yield str(fault)
    bom = Bom.from_json(json.loads(text))
    # References that point nowhere are no matter of the schema.
    bom.validate()
    references = {component.bom_ref.value for component in bom.components} | {bom.metadata.component.bom_ref.value}
    for dependency in bom.dependencies:
        named = {dependency.ref.value} | {on.ref.value for on in dependency.dependencies}
        for reference in sorted(named - references):
            yield f"no component is {reference}"
    for component in bom.components:
        if component.purl is not None and component.purl.to_string() != component.bom_ref.value:
            yield f"{component.purl.to_string()} is written as {component.bom_ref.value}"


def provenance(text):
    # As a reader of statements reads: what it does not know is left alone.
    Statement.copy_from_pb(Parse(text, StatementMessage(), ignore_unknown_fields=True)).validate()
    # And `builder` is all that it does not know.
    document = json.loads(text)
    del document["builder"]
    Statement.copy_from_pb(Parse(json.dumps(document), StatementMessage())).validate()
    if document["predicateType"] != "https://slsa.dev/provenance/v1":
        yield "another predicate"
    # The fields that https://slsa.dev/spec/v1.0/provenance requires.
    predicate = Parse(json.dumps(document["predicate"]), Provenance())
    definition = predicate.build_definition
    if not (definition.build_type and definition.external_parameters and predicate.run_details.builder.id):
        yield "the predicate lacks a required field"


def main():
    for folder in map(pathlib.Path, sys.argv[1:]):
        for name, judge in [("sbom.cdx.json", sbom), ("provenance.json", provenance)]:
            try:
                for fault in judge((folder / name).read_text(encoding="utf-8")):
                    print(f"{folder.name}/{name}: {fault}")
            except Exception as error:
                print(f"{folder.name}/{name}: {type(error).__name__}: {error}")


main()
