"""Write the golden sample of a newly published event: `python tests/contracts/sample.py Name`.

A sample is written once, when its version is published, and never again.
"""

import sys
from pathlib import Path

import orjson
from polyfactory.factories.pydantic_factory import ModelFactory

from shared.contracts import CONTRACTS

GOLDEN = Path(__file__).parent / "golden"


def main(names: list[str]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    for contract in set(CONTRACTS.values()):
        path = GOLDEN / f"{contract.owner}.{contract.__name__}.v{contract.version}.json"
        if (contract.__name__ in names or not names) and not path.exists():
            factory = ModelFactory.create_factory(contract, __random_seed__=1)
            sample = orjson.loads(factory.build().model_dump_json())
            path.write_bytes(orjson.dumps(sample, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
