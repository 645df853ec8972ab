"""A stand-in for the package `cnvrg` (its version 0.7): what a running task says with it, dagbook hears.

What asks a cnvrg server raises NoServerError. The real package, where it is installed, takes this one's place.
"""

from dagbook_stand_in import gave_way

if not gave_way(__name__):  # what stands below would be looked for in the real one
    from dagbook_stand_in import OnServer

    from .endpoint import Endpoint as Endpoint
    from .experiment import Experiment as Experiment

    Cnvrg, Dataset, Flow, FlowVersion = (OnServer("cnvrg", one) for one in ("Cnvrg", "Dataset", "Flow", "FlowVersion"))
    Library, Project, FileUploader = (OnServer("cnvrg", one) for one in ("Library", "Project", "FileUploader"))
    AILibrary = Library
    VERSION = __version__ = "0.7.55"  # what it stands for
