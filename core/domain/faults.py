"""The public list of participant error codes: a code and a hint are all a hidden run ever tells."""

from enum import StrEnum


class FaultCode(StrEnum):
    ARCHIVE_INVALID = "ARCHIVE_INVALID"
    TOO_LARGE = "TOO_LARGE"
    FORBIDDEN_FILE = "FORBIDDEN_FILE"
    SYNTAX_ERROR = "SYNTAX_ERROR"
    NOTEBOOK_INVALID = "NOTEBOOK_INVALID"
    ENTRYPOINT_MISSING = "ENTRYPOINT_MISSING"
    IMPORT_MISSING = "IMPORT_MISSING"
    FILE_MISSING = "FILE_MISSING"
    CERTAIN_FAILURE = "CERTAIN_FAILURE"
    IMPORT_FAILED = "IMPORT_FAILED"
    SIGNATURE_MISMATCH = "SIGNATURE_MISMATCH"
    EXCEPTION = "EXCEPTION"
    TIME_LIMIT = "TIME_LIMIT"
    COMPUTE_BUDGET = "COMPUTE_BUDGET"
    MEMORY_LIMIT = "MEMORY_LIMIT"
    PROCESS_LIMIT = "PROCESS_LIMIT"
    OUTPUT_LIMIT = "OUTPUT_LIMIT"
    OUTPUT_MISSING = "OUTPUT_MISSING"
    OUTPUT_SCHEMA = "OUTPUT_SCHEMA"
    OUTPUT_NOT_FINITE = "OUTPUT_NOT_FINITE"
    FAILED_ON_HIDDEN_DATA = "FAILED_ON_HIDDEN_DATA"  # told in place of every other code; never stored


HINTS: dict[FaultCode, str] = {
    FaultCode.ARCHIVE_INVALID: "Upload one .py file, a .ipynb notebook, or a .zip with submission.py at its root.",
    FaultCode.TOO_LARGE: "Upload code only: weights and data do not belong in a submission.",
    FaultCode.FORBIDDEN_FILE: "Only plain text files may be in the archive: no links, devices or absolute paths.",
    FaultCode.SYNTAX_ERROR: "Python cannot read the file: correct the line that is named.",
    FaultCode.NOTEBOOK_INVALID: (
        "Make what is missing a constant, compute it in `prepare`, or take it from the loaders; docs/submission.md"
        " says how a notebook is read."
    ),
    FaultCode.ENTRYPOINT_MISSING: "Define a function `unlearning(net, retain_loader, forget_loader, val_loader)`.",
    FaultCode.IMPORT_MISSING: (
        "Importing the file would fail at once: use what the sandbox has (`lacuna runtime` lists it), or bring the"
        " module along in a .zip."
    ),
    FaultCode.FILE_MISSING: (
        "Take what the method needs from the loaders; what was not uploaded is not there when it runs."
    ),
    FaultCode.CERTAIN_FAILURE: (
        "The call would fail every time: correct the line that is named; define or import each name that it uses."
    ),
    FaultCode.IMPORT_FAILED: "The file failed while being imported; run `lacuna doctor FILE` to see the traceback.",
    FaultCode.SIGNATURE_MISMATCH: (
        "unlearning() is called with net, retain_loader, forget_loader, val_loader by position; further"
        " parameters need a default or one of the names device, seed, num_classes, budget_seconds."
    ),
    FaultCode.EXCEPTION: "unlearning() raised; run `lacuna doctor FILE` to see the traceback.",
    FaultCode.TIME_LIMIT: "One replica ran past its wall-clock limit; `lacuna doctor FILE` prints the time of a run.",
    FaultCode.COMPUTE_BUDGET: "The runs surely cost more than their share of retraining; waiting is not counted.",
    FaultCode.MEMORY_LIMIT: "A replica needed more memory than its limit; keep fewer copies of the model or data.",
    FaultCode.PROCESS_LIMIT: "A replica started too many processes or threads; use num_workers=0.",
    FaultCode.OUTPUT_LIMIT: "A replica wrote more than it may; print less and keep scratch files small.",
    FaultCode.OUTPUT_MISSING: "Return the network (or change it in place and return None); do not exit the process.",
    FaultCode.OUTPUT_SCHEMA: "The result must have the original network's parameter names and shapes.",
    FaultCode.OUTPUT_NOT_FINITE: "The result holds NaN or infinity; lower the learning rate or clip gradients.",
    FaultCode.FAILED_ON_HIDDEN_DATA: (
        "The submission failed on hidden data; how is told to the organizers alone. Run `lacuna doctor FILE`, or submit"
        " to the practice phase where there is one."
    ),
}
