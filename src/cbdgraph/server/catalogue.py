"""DCAT-AP 3 of a built release: the catalogue, the dataset, a distribution for each file, and PROV of the build.

Facts in, triples out. Nothing is said that is not known: there is no point of contact, no place and no period, and
the days are those of the release, not of the build. docs/dataset.md tells which rules of DCAT-AP are met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cbdgraph.model import Iri, Text
from cbdgraph.namespaces import ABOUT, BASE, GRAPHS, LANGUAGES, MADE
from cbdgraph.server.nodes import DATASET, FOAF, IANA, LICENCE, SERVICE, Node, Triple, english, part, term
from cbdgraph.store.dumps import Dump

CATALOGUE: Final = part("catalogue")
PUBLISHER: Final = part("publisher")
BUILD: Final = part("build")

_SPDX: Final = "http://spdx.org/rdf/terms#"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority/"
_THEMES: Final = Iri(_AUTHORITY + "data-theme")
_ENVIRONMENT: Final = Iri(_AUTHORITY + "data-theme/ENVI")
_PUBLIC: Final = Iri(_AUTHORITY + "access-right/PUBLIC")
_IRREGULAR: Final = Iri(_AUTHORITY + "frequency/IRREG")
_TONGUES: Final = {"en": "ENG", "fr": "FRA", "es": "SPA", "ru": "RUS", "zh": "ZHO", "ar": "ARA"}
_FILE_TYPES: Final = {
    "ttl": "RDF_TURTLE",
    "nt.gz": "RDF_N_TRIPLES",
    "trig.gz": "RDF_TRIG",
    "jsonld": "JSON_LD",
    "csv": "CSV",
    "xlsx": "XLSX",
}
_FORMATS: Final = {
    "ttl": "Turtle",
    "nt.gz": "N-Triples, compressed",
    "trig.gz": "TriG, compressed",
    "jsonld": "JSON-LD",
    "csv": "CSV",
    "xlsx": "an Excel workbook",
}
# In the order of LANGUAGES, in this project's words.
_TITLES: Final = (
    "Decisions and targets of the Convention on Biological Diversity, as linked data",
    "Décisions et objectifs de la Convention sur la diversité biologique, en données liées",
    "Decisiones y metas del Convenio sobre la Diversidad Biológica, como datos enlazados",
    "Решения и целевые задачи Конвенции о биологическом разнообразии в виде связанных данных",
    "《生物多样性公约》的决定和目标：关联数据",
    "مقررات اتفاقية التنوع البيولوجي وأهدافها في شكل بيانات مترابطة",
)
_DESCRIPTIONS: Final = (
    "Decisions down to the paragraph, what cites them and for which issue, targets with their figures, requests and "
    "what was done, terms with their definitions; every statement with its source. An independent work: the adopted "
    "texts alone are authoritative.",
    "Les décisions jusqu'au paragraphe, ce qui les cite et sur quelle question, les objectifs avec leurs chiffres, "
    "les demandes et ce qui a été fait, les termes avec leurs définitions ; chaque énoncé avec sa source. Travail "
    "indépendant : seuls les textes adoptés font foi.",
    "Las decisiones hasta el párrafo, qué las cita y sobre qué tema, las metas con sus cifras, las peticiones y lo "
    "que se hizo, los términos con sus definiciones; cada afirmación con su fuente. Trabajo independiente: solo los "
    "textos aprobados son auténticos.",
    "Решения вплоть до пункта, тексты, которые на них ссылаются, и по какому вопросу, целевые задачи с их "
    "показателями, просьбы и выполненная работа, термины с определениями; у каждого утверждения указан источник. "
    "Независимая работа: официальную силу имеют только принятые тексты.",
    "决定细至段落，哪些文件引用了它们、涉及什么议题，目标及其数字，各项要求和已做的工作，术语及其定义；"
    "每条陈述都注明来源。本项目独立制作，一切以通过的文本为准。",
    "المقررات حتى مستوى الفقرة، وما يستشهد بها وفي أي قضية، والأهداف وأرقامها، والطلبات وما أُنجز، والمصطلحات "
    "وتعاريفها؛ ولكل بيان مصدره. عمل مستقل: النصوص المعتمدة وحدها هي المرجع.",
)
_KEYWORDS: Final = (
    ("biodiversity", "Convention on Biological Diversity", "ecosystem restoration", "decisions", "targets"),
    ("biodiversité", "Convention sur la diversité biologique", "restauration des écosystèmes"),
    ("diversidad biológica", "Convenio sobre la Diversidad Biológica", "restauración de los ecosistemas"),
    ("биологическое разнообразие", "Конвенция о биологическом разнообразии", "восстановление экосистем"),
    ("生物多样性", "生物多样性公约", "生态系统恢复"),
    ("التنوع البيولوجي", "اتفاقية التنوع البيولوجي", "استعادة النظم الإيكولوجية"),
)


@dataclass(frozen=True, slots=True)
class Built:
    """What is told of a built release: `first` is when the first release was issued, `issued` when this one was.

    `issued` is None for what goes beyond a release. `names` are label and description of the named graphs.
    """

    release: str
    dumps: Mapping[str, Dump]
    input_hash: str
    built_with: Mapping[str, str]
    graphs: tuple[str, ...]
    first: datetime | None = None
    issued: datetime | None = None
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def describe_access(endpoint: str) -> Iterator[Triple]:
    """The service at the address `endpoint`, as DCAT has it."""
    service = Node(SERVICE)
    says = (
        "SPARQL 1.1 queries of the graph and of each named graph in it, read-only, with the limits told at /sparql."
    )
    yield from service.say("rdf:type", "dcat:DataService")
    yield from service.say("dcterms:title", english("The SPARQL endpoint of cbdgraph"))
    yield from service.say("dcterms:description", english(says))
    yield from service.say("dcat:endpointURL", Iri(endpoint))
    yield from service.say("dcat:endpointDescription", Iri(BASE + "openapi.json"))
    yield from service.say("dcat:servesDataset", DATASET)


def describe_rights(endpoint: str) -> Iterator[Triple]:
    """Under which terms the service gives this project's own data, and who publishes them."""
    service = Node(SERVICE)
    yield from describe_access(endpoint)
    yield from service.say("dcterms:license", LICENCE)
    yield from service.say("dcterms:accessRights", _PUBLIC)
    yield from service.say("dcterms:publisher", PUBLISHER.iri)


def describe_publication(built: Built) -> Iterator[Triple]:
    """The dataset: what it is, who may do what with it, and since when."""
    dataset = Node(DATASET)
    yield from dataset.say_in_each("dcterms:title", _TITLES)
    yield from dataset.say_in_each("dcterms:description", _DESCRIPTIONS)
    for language, keywords in zip(LANGUAGES, _KEYWORDS, strict=True):
        yield from dataset.say("dcat:keyword", *(Text(keyword, language=language) for keyword in keywords))
    yield from dataset.say("dcat:theme", _ENVIRONMENT)
    yield from dataset.say("dcterms:language", *_languages())
    yield from _say_terms(dataset)
    yield from dataset.say("dcterms:accrualPeriodicity", _IRREGULAR)
    yield from dataset.say("dcat:landingPage", Iri(BASE))
    yield from dataset.say("dcterms:conformsTo", Iri(BASE + "ontology"))
    yield from dataset.say("dcterms:provenance", part("provenance").iri)
    yield from _say_days(dataset, built.first, built.issued)
    statement = (
        "Read from adopted texts and documents, reviewed by a person, kept as Turtle files; conclusions and what is "
        "computed stand in named graphs of their own. Each record names its source."
    )
    yield from part("provenance").say("rdf:type", "dcterms:ProvenanceStatement")
    yield from part("provenance").say("rdfs:label", english(statement))
    yield from PUBLISHER.say("rdf:type", FOAF + "Agent")
    yield from PUBLISHER.say(FOAF + "name", english("the cbdgraph developers"))


def describe_catalogue(built: Built, endpoint: str) -> Iterator[Triple]:
    """The catalogue with the dataset and its graphs, the service, all files, and how they came to be."""
    title = "What cbdgraph publishes"
    description = "The dataset of cbdgraph, its named graphs as datasets of their own, and the service for queries."
    yield from CATALOGUE.say("rdf:type", "dcat:Catalog")
    yield from CATALOGUE.say("dcterms:title", english(title))
    yield from CATALOGUE.say("dcterms:description", english(description))
    yield from CATALOGUE.say("dcterms:publisher", PUBLISHER.iri)
    yield from CATALOGUE.say("dcterms:license", LICENCE)
    yield from CATALOGUE.say("dcterms:language", *_languages())
    yield from CATALOGUE.say(FOAF + "homepage", Iri(BASE))
    yield from CATALOGUE.say("dcat:themeTaxonomy", _THEMES)
    yield from CATALOGUE.say("dcat:dataset", DATASET, *(_of(graph).iri for graph in _own(built.graphs)))
    yield from CATALOGUE.say("dcat:service", SERVICE)
    yield from _say_days(CATALOGUE, built.first, built.issued)
    yield from describe_rights(endpoint)
    yield from _describe_files(built, endpoint)
    yield from _describe_build(built)


def _describe_files(built: Built, endpoint: str) -> Iterator[Triple]:
    dataset = Node(DATASET)
    service = part("distribution/sparql")
    yield from dataset.say("dcat:distribution", service.iri)
    yield from service.say("rdf:type", "dcat:Distribution")
    yield from service.say("dcterms:title", english("The whole graph, to be queried"))
    yield from service.say("dcat:accessURL", Iri(endpoint))
    yield from service.say("dcat:accessService", SERVICE)
    yield from service.say("dcterms:license", LICENCE)
    for graph in _own(built.graphs):
        node = _of(graph)
        label, description = built.names.get(graph, ("", ""))
        path = graph.removeprefix(GRAPHS)
        yield from dataset.say("dcterms:hasPart", node.iri)
        yield from node.say("rdf:type", "dcat:Dataset")
        yield from node.say("dcterms:title", english(f"Named graph {path}"))
        yield from node.say("dcterms:description", english(description or label or f"The statements of {path}."))
        yield from node.say("dcterms:isPartOf", DATASET)
        yield from _say_terms(node)
    for dump in built.dumps.values():
        owner = _of(dump.graph) if dump.graph else dataset
        yield from owner.say("dcat:distribution", part(f"dump/{dump.name}").iri)
        if not dump.table:
            yield from owner.say("void:dataDump", Iri(f"{BASE}dump/{dump.name}"))
        yield from _describe_file(dump, built)


def _describe_file(dump: Dump, built: Built) -> Iterator[Triple]:
    file, checksum = part(f"dump/{dump.name}"), part(f"dump/{dump.name}/checksum")
    what = f"Table of {dump.table}" if dump.table else f"Named graph {dump.stem}" if dump.graph else "The whole graph"
    if dump.ending == "trig.gz" and not dump.graph:
        what += " in its named graphs"
    size = Text(str(dump.bytes), datatype=term("xsd:nonNegativeInteger"))
    yield from file.say("rdf:type", "dcat:Distribution")
    yield from file.say("dcterms:title", english(f"{what}, as {_FORMATS[dump.ending]}"))
    yield from file.say("dcat:accessURL", Iri(BASE + "dump/"))
    yield from file.say("dcat:downloadURL", Iri(f"{BASE}dump/{dump.name}"))
    yield from file.say("dcterms:format", Iri(f"{_AUTHORITY}file-type/{_FILE_TYPES[dump.ending]}"))
    yield from file.say("dcat:mediaType", Iri(IANA + dump.media_type))
    if dump.is_compressed:
        yield from file.say("dcat:compressFormat", Iri(IANA + "application/gzip"))
    yield from file.say("dcat:byteSize", size)
    yield from file.say(_SPDX + "checksum", checksum.iri)
    yield from file.say("dcterms:license", LICENCE)
    yield from _say_days(file, built.issued, built.issued)
    yield from checksum.say("rdf:type", _SPDX + "Checksum")
    yield from checksum.say(_SPDX + "algorithm", _SPDX + "checksumAlgorithm_sha256")
    yield from checksum.say(_SPDX + "checksumValue", Text(dump.sha256, datatype=term("xsd:hexBinary")))


def _describe_build(built: Built) -> Iterator[Triple]:
    """What was used and by which programs, and what came of it; when, nobody wrote down."""
    files = part("input")
    sources = [_of(graph) for graph in _own(built.graphs) if not graph.startswith(MADE)]
    made = [_of(graph) for graph in _own(built.graphs) if graph.startswith(MADE)]
    says = (
        "All that the build depends on: Turtle files, rules, checks, tables, the change log and the programs, of "
        "which this is the SHA-256."
    )
    yield from BUILD.say("rdf:type", "prov:Activity")
    yield from BUILD.say("rdfs:label", english(f"The build of release {built.release}"))
    yield from BUILD.say("prov:used", files.iri, *(node.iri for node in sources))
    yield from BUILD.say("prov:generated", DATASET, *(node.iri for node in made))
    yield from Node(DATASET).say("rdf:type", "prov:Entity")
    yield from Node(DATASET).say("prov:wasGeneratedBy", BUILD.iri)
    for node in (*sources, *made):
        yield from node.say("rdf:type", "prov:Entity")
    for node in made:
        yield from node.say("prov:wasGeneratedBy", BUILD.iri)
    yield from files.say("rdf:type", "prov:Entity")
    yield from files.say("rdfs:label", english(says))
    yield from files.say("schema:sha256", Text(built.input_hash))
    for name, version in sorted(built.built_with.items()):
        program = part(f"software/{name}")
        yield from BUILD.say("prov:wasAssociatedWith", program.iri)
        yield from program.say("rdf:type", "prov:SoftwareAgent")
        yield from program.say("rdfs:label", Text(f"{name} {version}"))
        yield from program.say("schema:softwareVersion", Text(version))


def _say_terms(node: Node) -> Iterator[Triple]:
    yield from node.say("dcterms:license", LICENCE)
    yield from node.say("dcterms:accessRights", _PUBLIC)
    yield from node.say("dcterms:publisher", PUBLISHER.iri)


def _say_days(node: Node, issued: datetime | None, modified: datetime | None) -> Iterator[Triple]:
    for name, when in (("dcterms:issued", issued), ("dcterms:modified", modified)):
        if when is not None:
            text = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield from node.say(name, Text(text, datatype=term("xsd:dateTime")))


def _own(graphs: Iterable[str]) -> list[str]:
    """The named graphs that are of the dataset, in order."""
    return sorted(graph for graph in graphs if graph.startswith(GRAPHS) and graph not in ABOUT)


def _of(graph: str) -> Node:
    """The dataset that a named graph is."""
    return part(f"graph/{graph.removeprefix(GRAPHS)}")


def _languages() -> tuple[Iri, ...]:
    return tuple(Iri(f"{_AUTHORITY}language/{_TONGUES[language]}") for language in LANGUAGES)
