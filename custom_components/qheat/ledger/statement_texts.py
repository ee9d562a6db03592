"""The words of a statement to print, in each language."""

from collections.abc import Mapping
from typing import Final

ENGLISH: Final = "en"

_EN: Final = {
    "point": ".",
    "colon": ":",
    "date": "%Y-%m-%d",
    "title": "Heat statement",
    "money": "All amounts in",
    "play_money": (
        "What this computer's jobs have repaid and earned is play money of the embedded backend:"
        " nobody pays it."
    ),
    "by_day": "By radiator and day",
    "by_radiator": "By radiator",
    "sources": "Kinds of heat, and where the figures come from",
    "day": "Day",
    "radiator": "Radiator",
    "heat_kwh": "Heat (kWh)",
    "paid_heat_kwh": "From paid jobs",
    "filler_heat_kwh": "From unpaid jobs",
    "own_heat_kwh": "Only for warmth",
    "idle_heat_kwh": "Idle",
    "measured_kwh": "By a power meter",
    "rapl_kwh": "By the processor",
    "estimated_kwh": "Estimated",
    "unpriced_kwh": "Without a price",
    "free_heat_kwh": "Free heat (kWh)",
    "electricity_cost": "Electricity",
    "reference_cost": "Reference",
    "repaid": "Repaid",
    "earned": "Earned",
    "savings": "Savings",
    "net_heat_cost": "Net heat cost",
    "jobs": "Jobs",
    "refused": "Refused",
    "sum": "Sum",
    "foreign": "Settled in another currency, and not in any sum",
    "settlements": "Settlements",
    "explained": "What the words mean",
    "free_heat_kwh_is": "Heat whose electricity was repaid.",
    "savings_is": (
        "What the other heating would have cost for the same heat (reference), minus what the"
        " electricity cost after repayment. Below zero, the other heating would have been cheaper."
    ),
    "net_heat_cost_is": "Electricity, minus what was repaid and earned.",
    "rapl_kwh_is": (
        "Measured by the processor for itself alone, which is less than the computer draws."
    ),
    "unpriced_kwh_is": "Heat made while no price was known. It counts as heat, but in no amount.",
    "sha256": "SHA-256 of the data (JSON)",
    "csv_sha256": "SHA-256 of the table (CSV)",
}
_FR: Final = {
    "point": ",",
    "colon": "\N{NO-BREAK SPACE}:",
    "date": "%d/%m/%Y",
    "title": "Décompte de chaleur",
    "money": "Tous les montants en",
    "play_money": (
        "Ce que les tâches de cet ordinateur ont remboursé et rapporté est en monnaie fictive du"
        " serveur intégré\N{NO-BREAK SPACE}: personne ne la paie."
    ),
    "by_day": "Par radiateur et par jour",
    "by_radiator": "Par radiateur",
    "sources": "Types de chaleur et origine des chiffres",
    "day": "Jour",
    "radiator": "Radiateur",
    "heat_kwh": "Chaleur (kWh)",
    "paid_heat_kwh": "De tâches payées",
    "filler_heat_kwh": "De tâches non payées",
    "own_heat_kwh": "Chauffage seul",
    "idle_heat_kwh": "Au repos",
    "measured_kwh": "Par un compteur",
    "rapl_kwh": "Par le processeur",
    "estimated_kwh": "Estimée",
    "unpriced_kwh": "Sans prix",
    "free_heat_kwh": "Chaleur gratuite (kWh)",
    "electricity_cost": "Électricité",
    "reference_cost": "Référence",
    "repaid": "Remboursé",
    "earned": "Gagné",
    "savings": "Économies",
    "net_heat_cost": "Coût net",
    "jobs": "Tâches",
    "refused": "Refusées",
    "sum": "Somme",
    "foreign": "Réglé dans une autre devise, hors de toutes les sommes",
    "settlements": "Règlements",
    "explained": "Le sens des mots",
    "free_heat_kwh_is": "Chaleur dont l'électricité a été remboursée.",
    "savings_is": (
        "Ce que l'autre chauffage aurait coûté pour la même chaleur (référence), moins ce que"
        " l'électricité a coûté après remboursement. En dessous de zéro, l'autre chauffage aurait"
        " été moins cher."
    ),
    "net_heat_cost_is": "L'électricité, moins ce qui a été remboursé et gagné.",
    "rapl_kwh_is": (
        "Mesurée par le processeur pour lui seul, donc moins que ce que l'ordinateur consomme."
    ),
    "unpriced_kwh_is": (
        "Chaleur produite alors qu'aucun prix n'était connu. Elle compte comme chaleur, mais"
        " dans aucun montant."
    ),
    "sha256": "SHA-256 des données (JSON)",
    "csv_sha256": "SHA-256 du tableau (CSV)",
}
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {ENGLISH: _EN, "fr": _FR}
