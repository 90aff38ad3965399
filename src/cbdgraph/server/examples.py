"""A paragraph in each language, as a page offers it to try: no text of the Convention, but written like one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGE_NAMES: Final[Mapping[str, str]] = {
    "en": "English",
    "fr": "français",
    "es": "español",
    "ru": "русский",
    "zh": "中文",
    "ar": "العربية",
}

EXAMPLES: Final[Mapping[str, str]] = {
    "en": "In paragraph 14 of decision X/2 the Conference of the Parties invited Parties to report on the Aichi "
    "Biodiversity Targets. Decision XI/16, paragraphs 1 and 5 (d) and related activities, concerns ecosystem "
    "restoration, as do Target 15 of the Aichi Targets, target 4 of the Global Strategy for Plant "
    "Conservation and Article 8 (f) of the Convention.\n\nSee also decision 15/4, decision X1/19 (a slip of "
    "the pen) and Target 2 of the Kunming-Montreal Global Biodiversity Framework.",
    "fr": "Au paragraphe 14 de sa décision X/2, la Conférence des Parties a invité les Parties à faire rapport. La "
    "décision XI/16, paragraphes 1 et 5 d), porte sur la restauration des écosystèmes, comme l'objectif 15 "
    "d'Aichi et l'article 8 f) de la Convention ; voir aussi la décision 15/4.",
    "es": "En el párrafo 14 de la decisión X/2, la Conferencia de las Partes invitó a las Partes a presentar "
    "informes. La decisión XI/16, párrafos 1 y 5 d), trata de la restauración de los ecosistemas, como la "
    "Meta 15 de Aichi y el artículo 8 f) del Convenio; véase también la decisión 15/4.",
    "ru": "В пункте 14 решения X/2 Конференция Сторон предложила Сторонам представить доклады. Решение XI/16, "
    "пункты 1 и 5 d), касается восстановления экосистем, как и целевая задача 15, принятая в Айти, и статья "
    "8 f) Конвенции; см. также решение 15/4.",
    "zh": "缔约方大会在第X/2号决定第14段中邀请缔约方提交报告。第XI/16号决定第1段和第5段(d)涉及生态系统恢复，"
    "爱知生物多样性目标15和《公约》第8条(f)款也是如此；另见第15/4号决定。",
    "ar": "في الفقرة 14 من المقرر 10/2 دعا مؤتمر الأطراف الأطراف إلى تقديم تقارير. ويتناول المقرر 11/16، الفقرتان "
    "1 و5 (د)، استعادة النظم الإيكولوجية، وكذلك الهدف 15 من أهداف أيشي والمادة 8 (و) من الاتفاقية؛ انظر أيضا "
    "المقرر 15/4.",
}
