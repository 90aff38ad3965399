"""What several test modules share: the real graph, built once from the files of this checkout."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdflib import Graph

from cbdgraph.pipeline import build
from cbdgraph.rdf.turtle import read_turtle
from cbdgraph.settings import Settings
from cbdgraph.store.embedded import Store
from cbdgraph.store.releases import Release

ROOT = Path(__file__).parents[1]


def read_graph(*paths: Path) -> Graph:
    """The triples of Turtle files, as one graph."""
    graph = Graph(bind_namespaces="none")
    for path in paths:
        for triple in read_turtle(path).triples:
            graph.add(triple)
    return graph


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release of the real data, in a folder of its own."""
    return build(Settings(root=ROOT, build=tmp_path_factory.mktemp("build"))).release


@pytest.fixture(scope="session")
def graph(release: Release) -> Store:
    """The real graph as the service opens it."""
    return Store.open_read_only(release.store_path)
