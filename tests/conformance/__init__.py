"""What the W3C says of SPARQL 1.1 services, asked of this one over HTTP; `python -m tests.conformance` runs it all.

`suite` fetches and reads the W3C tests, `compare` says whether two results are one, `engine` and `service` answer
each test, `protocol` plays the cases that are requests and not files, `report` writes docs/conformance.md.
"""
