"""The settings table: documented, readable from the environment, refused when unusable."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbdgraph.errors import SettingsError
from cbdgraph.settings import Settings, table

DOCUMENT = Path(__file__).parents[1] / "docs" / "settings.md"


def test_the_document_lists_them_all() -> None:
    lines = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    expected = [f"| `{n}` | `{v}` | {f'`{d}`' if d else ''} | {m} |" for n, v, d, m in table()]
    assert lines == expected


def test_environment_and_overrides() -> None:
    environment = {
        "CBDGRAPH_PORT": "9000",
        "CBDGRAPH_DATA": "a.ttl:b.nq",
        "CBDGRAPH_QUERY_SECONDS": "1.5",
        "HOME": "/",
        "CBDGRAPH_ENDPOINT": "http://127.0.0.1:8000/sparql",  # what a client asks is no setting
    }
    settings = Settings.read(environment, port=9001, host=None)
    assert (settings.port, settings.host, settings.query_seconds) == (9001, "127.0.0.1", 1.5)
    assert settings.data == (Path("a.ttl"), Path("b.nq"))
    assert Settings.read({}) == Settings()
    assert Settings(root=Path("/x")).build_path == Path("/x/build")
    assert Settings(root=Path("/x"), build=Path("/y")).build_path == Path("/y")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("PORT", "70000"), ("WORKERS", "0"), ("QUERY_SECONDS", "nan"), ("NONSENSE", "1")],
)
def test_bad_values_are_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({f"CBDGRAPH_{name}": value})
    assert name.lower() in str(caught.value).lower()


def test_unknown_override() -> None:
    with pytest.raises(SettingsError, match="no such setting"):
        Settings.read({}, colour="red")
