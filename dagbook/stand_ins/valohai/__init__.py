"""A stand-in for `valohai-utils` (its version 0.8): parameters, inputs, outputs and metadata of a node.

It follows Valohai's folders and variables where they are, and dagbook's everywhere else. The real package, where it is
installed, takes this one's place.
"""

from dagbook_stand_in import gave_way

if not gave_way(__name__):  # what stands below would be looked for in the real one
    from typing import Any

    from ._execution import Distributed, set_status_detail
    from ._execution import Execution as execution
    from ._inputs import Input as inputs
    from ._logging import Logger as logger
    from ._outputs import Output as outputs
    from ._outputs import OutputProperties as output_properties
    from ._parameters import Parameter as parameters
    from ._parameters import prepare

    distributed = Distributed()
    __version__ = "0.8.0"  # what it stands for
    __all__ = [
        "distributed", "execution", "inputs", "logger", "output_properties", "outputs", "parameters", "prepare",
        "set_status_detail",
    ]  # fmt: skip

    def __getattr__(name: str) -> Any:
        known = ", ".join(__all__)
        raise AttributeError(
            f"dagbook's stand-in for valohai-utils has no valohai.{name}; it has {known}. "
            "Where valohai-utils itself is in the node's image, that one is used"
        )
