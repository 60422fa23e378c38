"""What the form of a competition asks for: one field for each value of a competition file."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import get_args

from core.competition_file import SECTION
from core.domain.competition_settings import SETTINGS, Setting
from core.problem_parts import (
    AttackName,
    BatchFormat,
    Gate,
    KindName,
    Labels,
    Optimizer,
    Outside,
    RequestKind,
    Schedule,
    TrainingStrategy,
)


class Kind(StrEnum):
    TEXT = "text"
    LONG = "long"
    WHOLE = "whole"
    NUMBER = "number"
    CHOICE = "choice"
    MANY = "many"  # some of the choices
    FLAG = "flag"
    IDS = "ids"  # whole numbers, one a line; a file of them may be sent instead
    NUMBERS = "numbers"  # with commas between them
    CLASS = "class"  # a place from 0, or a name of the data set; in quotation marks it is a name in any case
    CLASSES = "classes"  # with commas between them
    OPTIONS = "options"  # lines of `name = value`
    SEED = "seed"  # a whole number of up to 128 bits, in digits or as `0x…`
    MOMENT = "moment"  # as a browser writes it: no zone, ours is UTC


class SetUpStep(StrEnum):
    """The pages on which a competition is set up, in their order."""

    NAME = "name"
    DATA = "data"
    REQUEST = "request"
    JUDGING = "judging"
    RUNNING = "running"


STEP_TITLES = {
    SetUpStep.NAME: "Name and exposure",
    SetUpStep.DATA: "Data and network",
    SetUpStep.REQUEST: "What must go",
    SetUpStep.JUDGING: "Judging",
    SetUpStep.RUNNING: "Dates, limits, rules",
}


@dataclass(frozen=True, slots=True)
class Field:
    path: str  # of the value in the file, and the name of the field
    label: str
    kind: Kind = Kind.WHOLE
    hint: str = ""
    choices: tuple[str, ...] = ()
    needed: bool = True
    of_kind: tuple[str, ...] = ()  # the forget requests that it is for
    is_advanced: bool = False  # folded: the value that it starts with is right for most


@dataclass(frozen=True, slots=True)
class Section:
    step: SetUpStep
    title: str
    fields: tuple[Field, ...]
    hint: str = ""
    switch: str = ""  # the flag without which the section says nothing
    choice: str = ""  # the field that says which of the others count


DATA = "data"  # what the file calls `data.set` or `data.package`
OWN_DATA = ("diabetes", "digits", "fashion_mnist", "torchvision_sets", "wordnet")
NETWORKS = ("digits", "fashion_mnist", "resnet", "vgg", "vit", "text_bag", "text_transformer")
PRIVATE, PRACTICE, ADAPTIVE = "private", "practice", "evaluation.adaptive"
SHARE = "above 0, below 1; of a class, empty is all of it"
DRAWN = ("random", "stratified", "class", "classes", "groups", "relabelled", "poisoned")
CLASS_HINT = 'a name of the data set such as cat, or a place from 0; a name of digits in quotation marks: "7"'
UNSAID = "empty: kept, or drawn by the platform where the phase is hidden"
NUMBER, CHOICE, FLAG, TEXT, SEED = Kind.NUMBER, Kind.CHOICE, Kind.FLAG, Kind.TEXT, Kind.SEED


def _fold(*fields: Field) -> tuple[Field, ...]:
    return tuple(replace(field, is_advanced=True) for field in fields)


def _list_request(prefix: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}.kind", "Which examples must go", CHOICE, choices=tuple(RequestKind)),
        Field(f"{prefix}.fraction", "Share of them", NUMBER, SHARE, needed=False, of_kind=DRAWN),
        Field(f"{prefix}.class_index", "Class", Kind.CLASS, CLASS_HINT, needed=False, of_kind=("class",)),
        Field(
            f"{prefix}.classes",
            "Classes",
            Kind.CLASSES,
            f"{CLASS_HINT}; with commas between them",
            needed=False,
            of_kind=("classes",),
        ),
        Field(f"{prefix}.column", "Column", TEXT, "of the data, such as sex", needed=False, of_kind=("groups",)),
        Field(f"{prefix}.values", "Its values", Kind.NUMBERS, "or a share", needed=False, of_kind=("groups",)),
        Field(
            f"{prefix}.ids",
            "Ids",
            Kind.IDS,
            "places in the data set, from 0, one a line, all in the training part",
            needed=False,
            of_kind=("ids", "hardest"),
        ),
        *_fold(
            Field(
                f"{prefix}.outside",
                "Ids outside the training part",
                CHOICE,
                choices=tuple(Outside),
                needed=False,
                of_kind=("ids", "hardest"),
            ),
            Field(
                f"{prefix}.labels",
                "Classes by which labels",
                CHOICE,
                "where some are noise",
                choices=tuple(Labels),
                needed=False,
                of_kind=("class", "classes", "stratified"),
            ),
            Field(
                f"{prefix}.together",
                "Column whose groups go whole",
                TEXT,
                "such as who a picture shows; empty: examples go one by one",
                needed=False,
            ),
            Field(f"{prefix}.seed", "Seed of the request", SEED, UNSAID, needed=False, of_kind=DRAWN),
        ),
    )


def _make_setting(setting: Setting) -> Field:
    is_moment = setting.kind is datetime
    return Field(
        f"{SECTION}.{setting.name}",
        setting.label,
        Kind.MOMENT if is_moment else Kind.WHOLE,
        setting.hint_at("" if is_moment else "0"),
        needed=False,
        is_advanced=setting.is_advanced,
    )


SECTIONS = (
    Section(
        SetUpStep.NAME,
        "The competition",
        (
            Field("slug", "Short name", TEXT, "lower-case letters, digits and `-`; its address"),
            Field("title", "Title", TEXT),
            Field("summary", "Summary", TEXT, needed=False),
            Field(
                "exposure", "Exposure", CHOICE, "practice shows everything", choices=("private", "public", "practice")
            ),
        ),
    ),
    Section(
        SetUpStep.DATA,
        "Data and network",
        (
            Field("kind", "Kind", CHOICE, choices=tuple(KindName)),
            Field(DATA, "Data", CHOICE),
            *_fold(Field("data.options", "Options of the data", Kind.OPTIONS, 'such as scale = "bytes"', needed=False)),
            Field("network.package", "Network", CHOICE, choices=NETWORKS),
            *_fold(
                Field(
                    "network.options",
                    "Options of the network",
                    Kind.OPTIONS,
                    "digits, a perceptron: hidden = [128]; fashion_mnist, a small convolutional network: "
                    'channels = [8, 16] and hidden = 64; resnet, a ResNet-18: stem = "small" or "large"; '
                    "vit: patch = 4; text_…: vocabulary = 4000 and width = 32",
                    needed=False,
                )
            ),
        ),
    ),
    Section(
        SetUpStep.DATA,
        "Training recipe",
        _fold(
            Field("recipe.epochs", "Epochs"),
            Field("recipe.batch_size", "Batch size"),
            Field("recipe.optimizer", "Optimizer", CHOICE, choices=tuple(Optimizer)),
            Field("recipe.learning_rate", "Learning rate", NUMBER),
            Field("recipe.momentum", "Momentum", NUMBER, needed=False),
            Field("recipe.weight_decay", "Weight decay", NUMBER, needed=False),
            Field("recipe.schedule", "Schedule", CHOICE, choices=tuple(Schedule)),
            Field("recipe.warmup_fraction", "Share of warming up", NUMBER, "of one_cycle", needed=False),
            Field("recipe.warmup_epochs", "Epochs of warming up", NUMBER, "of the other schedules", needed=False),
            Field("recipe.milestones", "Milestones", Kind.NUMBERS, "epochs of multi_step", needed=False),
            Field("recipe.decay", "Factor at milestones", NUMBER, needed=False),
            Field("recipe.label_smoothing", "Label smoothing", NUMBER, needed=False),
            Field("recipe.class_weights", "Class weights", Kind.NUMBERS, "one for each class", needed=False),
        ),
    ),
    Section(
        SetUpStep.REQUEST,
        "Splits",
        (
            Field("split.train", "Training examples", hint="empty: all that the data set has", needed=False),
            Field("split.validation", "Validation examples"),
            Field("split.test", "Test examples", hint="empty: all that there are", needed=False),
            *_fold(Field("split.label_noise", "Share of training labels replaced at random", NUMBER, needed=False)),
            *_fold(Field("split.seed", "Seed of the split", SEED, UNSAID, needed=False)),
        ),
    ),
    Section(
        SetUpStep.REQUEST,
        "Forget request",
        _list_request("forget"),
        "The form leaves out the fields of other kinds.",
        choice="forget.kind",
    ),
    Section(
        SetUpStep.JUDGING,
        "Pools",
        (
            Field("pools.replicas", "Retrained models", hint="and as many in the control bank"),
            *_fold(
                Field("pools.originals", "Original models", hint="1: every replica starts from the same", needed=False)
            ),
            *_fold(Field("pools.strategy", "Trained", CHOICE, choices=tuple(TrainingStrategy))),
            *_fold(Field("pools.seed", "Seed of the pools", SEED, UNSAID, needed=False)),
        ),
    ),
    Section(
        SetUpStep.JUDGING,
        "Evaluation",
        (
            Field("evaluation.replicas", "Replicas of a submission"),
            Field("evaluation.compute_budget", "Compute budget", NUMBER, "a share of retraining; 0.1 is a tenth"),
            *_fold(
                Field("evaluation.canary_replicas", "Of them in the canary"),
                Field("evaluation.shard_replicas", "Of them in a shard, at most"),
                Field("evaluation.calibration_replicas", "Replicas of a calibration"),
                Field("evaluation.gate", "Clock of the budget", CHOICE, choices=tuple(Gate)),
                Field(
                    "evaluation.canary_margin", "Canary margin", NUMBER, "so far over the budget ends an entry at once"
                ),
                Field("evaluation.protocol", "Protocol", CHOICE, choices=("held_out", "neurips2023", "exact")),
                Field("evaluation.attacks", "Attacks to choose from", Kind.MANY, choices=get_args(AttackName)),
                Field("evaluation.batch_size", "Batch size of the loaders"),
                Field("evaluation.batch_format", "Batches", CHOICE, choices=tuple(BatchFormat)),
                Field("evaluation.rerun_replicas", "Replicas run again with equal seeds", needed=False),
            ),
        ),
    ),
    Section(
        SetUpStep.JUDGING,
        "Limits of a replica",
        _fold(
            Field("evaluation.wall_seconds_floor", "No replica is killed sooner than, in seconds", NUMBER),
            Field("evaluation.wall_seconds_ceiling", "Longest replica without a gate, in seconds", NUMBER),
            Field("evaluation.memory_bytes", "Memory, in bytes"),
            Field("evaluation.scratch_bytes", "Scratch files, in bytes"),
            Field("evaluation.log_bytes", "Log, in bytes"),
            Field("evaluation.processes", "Processes"),
            Field("evaluation.data_bytes", "Data beside code, in bytes", hint="well below one model", needed=False),
            Field("evaluation.allow_native", "Native code that the image did not bring may run", FLAG, needed=False),
        ),
    ),
    Section(
        SetUpStep.JUDGING,
        "Early stopping",
        (
            Field("evaluation.adaptive.alpha", "Chance of stopping an equal entry", NUMBER, needed=False),
            Field("evaluation.adaptive.rival_place", "Place that an entry must be behind", needed=False),
            Field("evaluation.adaptive.min_replicas", "No decision before so many replicas", needed=False),
        ),
        "Entries that are decidedly behind run fewer replicas; not for exposure private.",
        switch=ADAPTIVE,
    ),
    Section(
        SetUpStep.RUNNING,
        "Private phase",
        (
            *_list_request("private.forget"),
            *_fold(
                Field("private.split_seed", "Seed of its split", SEED, "empty: cut as the public one", needed=False)
            ),
            *_fold(Field("private.pool_seed", "Seed of its pools", SEED, UNSAID, needed=False)),
        ),
        "Another forget request, unread until the end. Without it, an existing private phase keeps its request.",
        switch=PRIVATE,
        choice="private.forget.kind",
    ),
    Section(
        SetUpStep.RUNNING,
        "Practice phase",
        (Field("practice.problem", "On the problem", TEXT, "of exposure practice, such as digits", needed=False),),
        "An open problem on which participants see everything, apart from the board and the quota. Without it, an "
        "existing practice phase keeps its problem.",
        switch=PRACTICE,
    ),
    Section(
        SetUpStep.RUNNING,
        "While it runs",
        (
            Field("competition.draft", "A new one waits as a draft, seen by staff alone", FLAG, needed=False),
            Field("competition.open", "Once prepared it opens", CHOICE, choices=("by itself", "by hand"), needed=False),
            *map(_make_setting, SETTINGS),
            Field("competition.overview", "Overview", Kind.LONG, "Markdown, on the first tab", needed=False),
            Field("competition.rules", "Rules", Kind.LONG, "Markdown", needed=False),
        ),
        "An empty field keeps its value, or takes the platform's default.",
    ),
)
FIELDS = tuple(field for section in SECTIONS for field in section.fields)
