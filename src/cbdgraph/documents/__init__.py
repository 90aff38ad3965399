"""Documents to blocks with places: .txt, .html, .docx and .pdf files in, immutable values out; knows no RDF."""

from cbdgraph.documents.document import Block, Document
from cbdgraph.documents.reading import read_bytes, read_document

__all__ = ["Block", "Document", "read_bytes", "read_document"]
