"""Datasets: paths, URLs and those of the store: the sentences of their errors and warnings."""

from __future__ import annotations

DATA: dict[str, tuple[str, str]] = {
    # datasets
    "E-DATA-LINK": (
        "{path} is a link to {target}, which leads out of the dataset; a node would find nothing there",
        "Put the file itself there, or name the folder that it leads to as a dataset of its own.",
    ),
    "E-DATA-KIND": (
        "{path} is {kind}, which a dataset cannot hold",
        "Take it out of the folder, or name a folder that holds only files.",
    ),
    "E-DATA-READ": ("{path} cannot be read: {why}", "Mend its permissions, or leave it out of the dataset's folder."),
    "E-DATA-CHANGED": (
        "{path} changed while the dataset was read",
        "Wait until nobody writes to it any more, and run it again.",
    ),
    "E-DATA-STORE": (
        "{path} holds dagbook's own store ({store}), which every run changes",
        "Name a folder that does not hold it, or keep the store elsewhere with --store.",
    ),
    "E-DATA-PIN": (
        "{path} is not the version {pin}; it is {found}",
        "Bring that version back, or pin the one that is there.",
    ),
    "E-ARTIFACT": ("{what}", "{hint}"),
    # datasets of the store
    "E-REPO-NAME": ("{name!r} cannot name a {what}: {why}", "Take another name."),
    "E-REPO-EXISTS": ("{what}", "{hint}"),
    "E-REPO-UNKNOWN": ("there is no dataset {name!r} in {store}", "{nearest}"),
    "E-REPO-PATH": ("{what}", "{hint}"),
    "E-REPO-CLASH": ("{what}", "{hint}"),
    "E-COMMIT-UNKNOWN": ("{what}", "{nearest}"),
    "E-QUERY-UNKNOWN": ("{name} has no saved query {query!r}, and a glob has a * or ? in it", "{nearest}"),
    "E-FILE-THERE": ("{what}", "{hint}"),
    "W-DATA-LEFT": ("{path} {why}; it was left out", "Put the file itself there if it is meant."),
    "E-URL-SCHEME": ("{what}", "{hint}"),
    "E-URL-FORM": ("the URL {url!r} cannot be used: {why}", "{hint}"),
    "E-URL-READ": ("{url} cannot be read: {why}", "{hint}"),
    "E-URL-WRITE": ("{url} cannot be written: {why}", "{hint}"),
    "E-URL-PRIVATE": (
        "{url} leads to {address}, which is this machine or a private network",
        'If that is meant, allow the host: data_hosts = ["{host}"] in dagbook.toml, or DAGBOOK_DATA_HOSTS={host}.',
    ),
    "E-FETCH-FAILED": (
        "{url} cannot be fetched: {why}",
        "Look whether the host can be reached from this machine, and run it again.",
    ),
    "E-FETCH-STATUS": ("{url} cannot be fetched: the server answers {status}", "{hint}"),
    "E-FETCH-REDIRECT": ("{url} cannot be fetched: {why}", "Look where it leads, and write that URL."),
    "E-FETCH-LENGTH": (
        "{url} was cut off: {got} bytes came, {announced}",
        "Run it again; nothing of it was kept.",
    ),
    "E-FETCH-SIZE": (
        "{url} {what}; {limit} are the most that is fetched",
        "Bring such a file here by other means, and name it with --path.",
    ),
    "E-FETCH-EMPTY": ("{url} is empty: 0 bytes came", "Look at it in a browser; the file may not be ready yet."),
    "E-FETCH-HTML": (
        "{url} gives a web page instead of a file: a login page?",
        "Look at it in a browser, and take the address of the file itself. If the page is meant, pin it with --pin.",
    ),
    "E-FETCH-CHECKSUM": (
        "{url} is not the version {pin}: the file's sha256 is {found}, the dataset's {tree}",
        "If the new version is meant, pin one of these two; nothing of it was kept.",
    ),
}
