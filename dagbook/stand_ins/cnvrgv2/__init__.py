"""A stand-in for the package `cnvrgv2` (its version 1.1): what a running task says with it, dagbook hears.

What asks a cnvrg server raises NoServerError. The real package, where it is installed, takes this one's place.
"""

from dagbook_stand_in import gave_way

if not gave_way(__name__):  # what stands below would be looked for in the real one
    from dagbook_stand_in import NoServerError, OnServer

    from .charts import BarChart as BarChart
    from .charts import Heatmap as Heatmap
    from .charts import LineChart as LineChart
    from .charts import ScatterPlot as ScatterPlot
    from .experiment import Cnvrg as Cnvrg
    from .experiment import Experiment as Experiment

    CnvrgError = NoServerError
    Dataset, Project, Endpoint = (OnServer("cnvrg", name) for name in ("Dataset", "Project", "Endpoint"))
    Webapp, Workspace = (OnServer("cnvrg", name) for name in ("Webapp", "Workspace"))
    __version__ = "1.1.8"  # what it stands for
