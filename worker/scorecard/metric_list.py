"""Names, units and sources of the metrics a scorecard lists, in the order in which it lists them."""

from dataclasses import dataclass

CLOSER, LOWER, HIGHER = "closer to retrained", "lower", "higher"
MARGINS = {"forget": "forget", "retain": "retain", "validation": "validation (the test examples)"}


@dataclass(frozen=True, slots=True)
class Metric:
    id: str
    name: str
    group: str  # accuracy, membership, divergence, aggregate, klom
    unit: str  # percent, fraction, nats, seconds, minutes, or percent points
    better: str
    variant: str  # what tells it from others of the same name
    source: str


def _list_klom(split: str, words: str) -> tuple[Metric, ...]:
    def metric(key: str, name: str, variant: str, source: str) -> Metric:
        return Metric(f"{key}_{split}", f"{name}, {words}", "klom", "nats", LOWER, variant, source)

    return (
        metric("klom", "KLOM", "95th percentile over examples, KL(unlearned ‖ retrained)", "EasyDUB 2026"),
        metric("klom_mean", "KLOM mean", "mean over examples, 95 % interval over models", "EasyDUB 2026"),
        metric("klom_excess", "KLOM excess", "mean minus that of the control bank", "Lacuna"),
        metric("klom_b25", "KLOM (2025)", "95th percentile, KL(retrained ‖ unlearned)", "data-unlearning-bench 2025"),
        metric("klom_d24", "KLOM (2024)", "95th percentile, 19 bins, all floored", "data-unlearning-bench 2024"),
        metric("klom_oracle_bins", "KLOM (retrained bins)", "95th percentile, bins of the retrained pool", "Lacuna"),
    )


ACCURACIES = (
    Metric("ua", "UA", "accuracy", "percent", CLOSER, "100 - FA", "SalUn 2024"),
    Metric("fa", "FA", "accuracy", "percent", CLOSER, "accuracy on the forget set", "SFR-on 2024"),
    Metric("ra", "RA", "accuracy", "percent", CLOSER, "accuracy on the retain set", "SalUn 2024"),
    Metric("ta", "TA", "accuracy", "percent", CLOSER, "accuracy on the test set", "SalUn 2024"),
    Metric("rte", "RTE", "accuracy", "seconds", LOWER, "wall clock of one run", "SalUn 2024"),
    Metric("rte_minutes", "RTE", "accuracy", "minutes", LOWER, "wall clock of one run", "SalUn 2024"),
)
MEMBERSHIP = (
    Metric("mia_eff", "MIA-eff", "membership", "percent", CLOSER, "forget taken for unseen, SVM", "Jia 2023"),
    Metric("mia_sfr", "MIA-sfr", "membership", "percent", CLOSER, "forget taken for members, entropy", "SFR-on 2024"),
    Metric("mia_add", "MIA-add", "membership", "percent", CLOSER, "forget against test, by loss", "UGradSL 2024"),
    Metric("mia_kit", "MIA-kit", "membership", "fraction", CLOSER, "forget against test, 10 splits", "2023 kit"),
    Metric("mia_kit_scrub", "MIA-kit (SCRUB)", "membership", "fraction", CLOSER, "same classes, 5 splits", "SCRUB"),
    Metric("ulira_accuracy", "U-LiRA accuracy", "membership", "fraction", LOWER, "Gaussian, held out", "Hayes 2024"),
    Metric("ulira_auc", "U-LiRA AUC", "membership", "fraction", LOWER, "Gaussian, held out", "Hayes 2024"),
    Metric("ulira_tpr", "U-LiRA TPR", "membership", "fraction", LOWER, "at 1 % false positives", "Hayes 2024"),
    Metric("memory", "Memory", "membership", "fraction", CLOSER, "forget against test, by place", "Lacuna"),
    Metric("f_neighbour", "F neighbour", "membership", "fraction", HIGHER, "points without the own class", "Lacuna"),
    Metric(
        "relearn_retain", "Relearning", "membership", "nats", CLOSER, "64 steps on retain, loss on forget", "Lacuna"
    ),
)
DIVERGENCES = (
    Metric("d_kl", "D_KL", "divergence", "nats", LOWER, "KL(retrained ‖ unlearned), pairs", "SFR-on 2024"),
    Metric("js", "JS", "divergence", "nats", LOWER, "pairs of models", "Chundawat 2023"),
    Metric("zrf", "ZRF", "divergence", "fraction", CLOSER, "1 - JS to untrained networks", "Chundawat 2023"),
)
AGGREGATES = (
    Metric("avg_gap", "Avg. Gap", "aggregate", "percent points", LOWER, "of UA, MIA-eff, RA, TA", "SalUn 2024"),
    Metric("avg_d", "Avg.D", "aggregate", "percent points", LOWER, "of FA, MIA-sfr, RA, TA", "SFR-on 2024"),
    Metric("sum", "Sum", "aggregate", "percent points", HIGHER, "UA + MIA-eff + RA + TA", "UGradSL 2024"),
)
KLOM = tuple(metric for split, words in MARGINS.items() for metric in _list_klom(split, words))
OF_CLASSES = frozenset(
    {"ua", "zrf", "d_kl", "js", *(metric.id for metric in MEMBERSHIP if "mia" in metric.id), "f_neighbour"}
)
METRICS = (*ACCURACIES, *MEMBERSHIP, *DIVERGENCES, *AGGREGATES, *KLOM)
