"""`python -m tests.unit.contract.corpus_box FILE`: import many submissions as a replica does, each in its own fork.

FILE: JSON of files in base 64 by submission; what came of each is printed as JSON. No box is started for it: what runs
here is our own corpus.
"""

import base64
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

import torch

from sandbox.loaders import make_loader
from sandbox.outside_jupyter import stand_in_for_jupyter
from sandbox.problems.digits.model import build
from sandbox.replica import _import_submission, classify
from sandbox.submission import choose_options, get_entry_function, get_prepare_function, write_files
from sandbox.warmup import warm_up
from sandbox.weights import collect_weights, read_schema

ON_MAPPINGS = ("data_mapping.py", "raw:data_mapping.py")  # imported here; run by tests/integration
NEEDS_A_BOX = ("data_kaggle_tmp.py", "raw:data_kaggle_tmp.py", "data_kaggle_checkpoint.py")
SIZES = {"retain": 24, "forget": 16, "validation": 8}


def run(name: str, files: dict[str, bytes], folder: Path) -> str:
    os.chdir(folder)
    try:
        write_files(files, folder)
        module = _import_submission(folder)
        function = get_entry_function(module)
        offered = {"device": torch.device("cpu"), "seed": 1, "num_classes": 10, "budget_seconds": 5.0}
        options = choose_options(function, offered)
        if name in (*ON_MAPPINGS, *NEEDS_A_BOX):
            return "imported"
        loaders = [
            make_loader(torch.randn(size, 64), torch.arange(size) % 10, mapping=False, batch_size=8, shuffle=False)
            for size in SIZES.values()
        ]
        network = build(10, (64,))
        schema, arguments = read_schema(network), (network, *loaders)
        prepare = get_prepare_function(module)
        if prepare is not None:
            prepare(*arguments, **choose_options(prepare, offered))
        collect_weights(function(*arguments, **options), network, schema)
    except BaseException as error:
        traceback.print_exc()
        return str(classify(error))
    return "ran"


def main() -> None:
    work = json.loads(Path(sys.argv[1]).read_text(encoding="ascii"))
    stand_in_for_jupyter()
    text = b"\n".join(base64.b64decode(text) for packed in work.values() for text in packed.values())
    warm_up({"submission.py": text})
    found = {}
    for name, packed in work.items():
        files = {path: base64.b64decode(text) for path, text in packed.items()}
        with tempfile.TemporaryDirectory() as folder:
            receiving, sending = os.pipe()
            child = os.fork()
            if child == 0:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                outcome = run(name, files, Path(folder))
                os.write(sending, outcome.encode())
                os._exit(0)
            os.close(sending)
            with os.fdopen(receiving) as stream:
                found[name] = stream.read()
            os.waitpid(child, 0)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
