"""The contracts of other systems: what a node that was written for one of them finds around it when it runs."""
