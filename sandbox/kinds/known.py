"""The kinds there are, by the name that a problem file gives."""

from collections.abc import Mapping

from sandbox.kinds.inputs import Images, Rows, Tokens
from sandbox.kinds.parts import Kind
from sandbox.kinds.targets import Classes, Number

KINDS: Mapping[str, Kind] = {
    "image_classification": Kind(Images(), Classes()),
    "tabular_classification": Kind(Rows(), Classes()),
    "text_classification": Kind(Tokens(), Classes()),
    "tabular_regression": Kind(Rows(), Number()),
}
