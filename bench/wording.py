"""Words of the generated graph: six languages, phrases of two words each; data, no logic beyond picking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "es", "fr", "ru", "ar", "zh")
CERTAINTIES: Final = ("certain", "likely", "unresolved", "uncertain")

# Every column is one thing in the languages above; a phrase joins a first and a second one.
_FIRST: Final = (
    ("Forest", "Bosques:", "Forêts :", "Леса:", "الغابات:", "森林"),
    ("Marine", "Mar:", "Mer :", "Море:", "البحار:", "海洋"),
    ("Mountain", "Montañas:", "Montagnes :", "Горы:", "الجبال:", "山地"),
    ("Island", "Islas:", "Îles :", "Острова:", "الجزر:", "岛屿"),
    ("Dryland", "Tierras áridas:", "Terres arides :", "Засушливые земли:", "الأراضي الجافة:", "旱地"),
    ("Wetland", "Humedales:", "Zones humides :", "Болота:", "الأراضي الرطبة:", "湿地"),
    ("Agricultural", "Agricultura:", "Agriculture :", "Сельское хозяйство:", "الزراعة:", "农业"),
    ("Coastal", "Costas:", "Côtes :", "Побережья:", "السواحل:", "沿海"),
    ("Genetic", "Genes:", "Gènes :", "Гены:", "الجينات:", "遗传"),
    ("Urban", "Ciudades:", "Villes :", "Города:", "المدن:", "城市"),
    ("Soil", "Suelos:", "Sols :", "Почвы:", "التربة:", "土壤"),
    ("Pollinator", "Polinizadores:", "Pollinisateurs :", "Опылители:", "الملقحات:", "传粉者"),
)
_SECOND: Final = (
    ("restoration", "restauración", "restauration", "восстановление", "استعادة", "恢复"),
    ("conservation", "conservación", "conservation", "сохранение", "صون", "保护"),
    ("monitoring", "seguimiento", "suivi", "мониторинг", "رصد", "监测"),
    ("financing", "financiación", "financement", "финансирование", "تمويل", "筹资"),
    ("capacity", "capacidad", "capacités", "потенциал", "قدرات", "能力"),
    ("indicators", "indicadores", "indicateurs", "показатели", "مؤشرات", "指标"),
    ("resilience", "resiliencia", "résilience", "устойчивость", "صمود", "复原力"),
    ("knowledge", "conocimientos", "connaissances", "знания", "معارف", "知识"),
    ("connectivity", "conectividad", "connectivité", "связность", "ترابط", "连通性"),
    ("safeguards", "salvaguardias", "garanties", "гарантии", "ضمانات", "保障"),
    ("reporting", "informes", "rapports", "отчетность", "إبلاغ", "报告"),
    ("partnerships", "alianzas", "partenariats", "партнерства", "شراكات", "伙伴关系"),
)


def phrase(place: float, language: str) -> str:
    """The phrase at `place`, from 0 up to 1, in a language.

    >>> phrase(0.0, "en"), phrase(0.0, "zh")
    ('Forest restoration', '森林 恢复')
    """
    column = LANGUAGES.index(language)
    first, second = divmod(int(place * len(_FIRST) * len(_SECOND)), len(_SECOND))
    return f"{_FIRST[first][column]} {_SECOND[second][column]}"


def decision_labels(symbol: str) -> Mapping[str, str]:
    """What a decision is called in each language."""
    return {
        "en": f"Decision {symbol}",
        "es": f"Decisión {symbol}",
        "fr": f"Décision {symbol}",
        "ru": f"Решение {symbol}",
        "ar": f"المقرر {symbol}",
        "zh": f"第{symbol}号决定",
    }
