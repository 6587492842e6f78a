#!/usr/bin/python3
"""validate.py NAME: check stdin, one JSON document or JSON Lines, against its schema.

NAME is e.g. kvmtime.clock.1 for data/schemas/kvmtime.clock.1.json. Exits 0 if every document is
valid, 77 without the jsonschema module, else 1 with the reason.
"""
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    print('python3-jsonschema is not installed')
    sys.exit(77)

folder = os.path.join(os.environ['KVT_SOURCE'], 'data', 'schemas')
with open(os.path.join(folder, sys.argv[1] + '.json')) as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
text = sys.stdin.read()
try:
    documents = [json.loads(text)]
except ValueError:
    documents = [json.loads(line) for line in text.splitlines() if line.strip()]
if not documents:
    print('no document on stdin')
    sys.exit(1)
for document in documents:
    jsonschema.Draft7Validator(schema).validate(document)
