"""The documentation as pages: the ontology out of the release itself, and the guides of docs/; `routes` answers."""
