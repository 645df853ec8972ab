"""valohai-utils, without it: parameters, inputs, outputs and metadata."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

from tests.stand_ins.conftest import Script, lines


def execution(tmp_path: Path) -> dict[str, str]:
    """The folders and variables of a Valohai execution; the paths that its inputs tell are not here."""
    for name in ("config", "inputs/raw", "outputs"):
        (tmp_path / "vh" / name).mkdir(parents=True)
    (tmp_path / "vh" / "inputs" / "raw" / "a.csv").write_text("1,2")
    (tmp_path / "vh" / "inputs" / "raw" / "b.txt").write_text("b")
    files = [{"name": name, "path": f"/valohai/inputs/raw/{name}"} for name in ("a.csv", "b.txt")]
    said = {
        "parameters": {"lr": 0.5, "flag": False, "names": ["a", "b"], "depth": 3},
        "inputs": {"raw": {"files": files}, "empty": {"files": []}},
        "execution": {"valohai.execution-id": "e1", "valohai.execution-counter": 2},
    }
    for name, content in said.items():
        (tmp_path / "vh" / "config" / f"{name}.json").write_text(json.dumps(content))
    folders = {f"VH_{name.upper()}_DIR": str(tmp_path / "vh" / name) for name in ("config", "inputs", "outputs")}
    return {"VH_JOB_ID": "exec-e1", **folders}


PREPARE = (
    "import valohai; valohai.prepare(step='s', image='i', default_parameters={'lr': 0.1, 'more': {'default': 7}}, "
    "default_inputs={'raw': 'here*.csv', 'far': 's3://bucket/x.csv', 'none': ''})\n"
)


def test_parameters_come_from_the_command_line_then_the_configuration(script: Script, tmp_path: Path) -> None:
    code = PREPARE + "print(*(valohai.parameters(n, default='d').value for n in ('lr','flag','names','depth','more')))"
    variables = execution(tmp_path)
    assert lines(script(code, **variables)) == ["0.5 False ['a', 'b'] 3 d"]
    done = script(code, "--lr=0.25", "--flag", "--names=x,y", "--depth", "4", "--unknown", **variables)
    assert lines(done) == ["0.25 True ['x', 'y'] 4 d"]


def test_parameters_of_a_node_of_dagbooks_own_win_over_the_prepared_ones(script: Script) -> None:
    code = PREPARE + "print(*(valohai.parameters(name).value for name in ('lr', 'more', 'absent')))"
    assert lines(script(code, DAGBOOK_TAG_LR="0.5")) == ["0.5 7 None"]


def test_row_88_inputs_follow_the_folders_of_the_execution(script: Script, tmp_path: Path) -> None:
    code = (
        PREPARE
        + """
raw = valohai.inputs("raw")
print([p.rpartition("/")[2] for p in raw.paths()], raw.path("*.txt")[-5:], raw.stream("*.csv").read(), raw.path("x"))
print(valohai.inputs("empty").path(default="d"), valohai.inputs("empty").stream(), raw.dir_path()[-10:])
print(valohai.execution().config.id, valohai.config.is_running_in_valohai(), valohai.distributed.is_distributed_task())
"""
    )
    code = code.replace("import valohai;", "import valohai, valohai.config;")
    assert lines(script(code, **execution(tmp_path))) == [
        "['a.csv', 'b.txt'] b.txt b'1,2' None", "d None inputs/raw", "e1 True False",
    ]  # fmt: skip


def test_inputs_of_a_node_of_dagbooks_own_are_what_came_before(script: Script, tmp_path: Path) -> None:
    (tmp_path / "before" / "deep").mkdir(parents=True)
    (tmp_path / "before" / "deep" / "x.csv").write_text("x")
    (tmp_path / "here1.csv").write_text("h")
    code = PREPARE + (
        "print(*(valohai.inputs(n).path() for n in ('Task A', 'photos', 'raw', 'none', 'unknown')))\n"
        "print(valohai.inputs('Task A').path('deep/*'), valohai.execution().config)"
    )
    done = script(code, INPUT_TASK_A=str(tmp_path / "before"), DATA_PHOTOS=str(tmp_path / "before"))
    file = tmp_path / "before" / "deep" / "x.csv"
    assert lines(done) == [f"{file} {file} here1.csv None None", f"{file} None"]


def test_an_input_can_be_named_on_the_command_line(script: Script, tmp_path: Path) -> None:
    (tmp_path / "other.csv").touch()
    done = script(PREPARE + "print(list(valohai.inputs('raw').paths()))", "--raw", "other.csv", "absent.csv")
    assert lines(done) == ["['other.csv']"]


def test_an_address_that_is_not_fetched_says_what_to_do(script: Script) -> None:
    done = script(PREPARE + "valohai.inputs('far').path()", fails=True)
    assert "the input 'far' is to come from s3://bucket/x.csv, and nothing is fetched within a node" in done.stderr


def test_archives_are_unpacked_unless_that_is_not_wanted(script: Script, tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("in/x.txt", "x")
    with tarfile.open(folder / "b.tar", "w") as tar:
        for name in ("y.txt", "../../escaped.txt"):
            about = tarfile.TarInfo(name)
            about.size = 1
            tar.addfile(about, io.BytesIO(b"y"))
    code = """
import valohai
found = list(valohai.inputs("t").paths())
print([open(path).read() for path in found], len(list(valohai.inputs("t").paths(process_archives=False))))
print(valohai.inputs("t").path("in/*") in found)
"""
    done = script(code, INPUT_T=str(folder), TMPDIR=str(tmp_path))
    assert lines(done) == ["['x', 'y', 'y'] 2", "True"]
    assert not list(tmp_path.parent.glob("escaped.txt"))
    assert not (tmp_path / "escaped.txt").exists()


def test_outputs_go_to_the_executions_folder_or_the_nodes(script: Script, output: Path, tmp_path: Path) -> None:
    code = """
import valohai
path = valohai.outputs("deep").path("er/x.txt"); open(path, "w").write("x"); print(path)
valohai.outputs("deep").live_upload("er/x.txt")
packed = valohai.outputs().compress("deep/**/*.txt", "all.zip", remove_originals=False)
print(valohai.outputs().compress("deep/er", "all.tar.gz")[-10:], valohai.outputs().dir_path)
with valohai.output_properties() as said:
    said.add(file="all.zip", properties={"a": 1})
    said.add_to_dataset(file="all.zip", dataset_version=said.dataset_version_uri("d", "v"))
valohai.set_status_detail("half")
"""
    for folder, variables in ((output, {}), (tmp_path / "vh" / "outputs", execution(tmp_path))):
        done = script(code, **variables)
        assert lines(done) == [f"{folder}/deep/er/x.txt", f"all.tar.gz {folder}", "status: half"]
        assert zipfile.ZipFile(folder / "all.zip").namelist() == ["er/x.txt"]
        assert not (folder / "deep" / "er" / "x.txt").exists()
        assert json.loads((folder / "valohai.metadata.jsonl").read_text()) == {
            "file": "all.zip", "metadata": {"a": 1, "valohai.dataset-versions": ["dataset://d/v"]},
        }  # fmt: skip


LOG = """
import valohai
with valohai.logger() as logger:
    logger.log("epoch", 3); logger.log("loss", 0.5, "kind", "small"); logger.log(done=True)
logger.log("lone", 1); logger.flush(); logger.flush()
"""


def test_metadata_of_an_execution_is_a_line_of_json(script: Script, tmp_path: Path) -> None:
    done = script(LOG, **execution(tmp_path))
    assert [json.loads(line) for line in lines(done)] == [
        {"epoch": 3, "loss": 0.5, "kind": "small", "done": True}, {"lone": 1},
    ]  # fmt: skip
    assert done.stdout.startswith("\n{"), "on a line of its own, whatever was printed before"


def test_metadata_elsewhere_is_logged_as_dagbook_takes_such_lines(script: Script) -> None:
    assert lines(script(LOG)) == [
        "dagbook_metric_epoch@3: 3", "dagbook_metric_loss@3: 0.5", "dagbook_tag_kind: small", "dagbook_tag_done: True",
        "dagbook_metric_lone@0: 1",
    ]  # fmt: skip


def test_an_odd_number_of_arguments_is_refused(script: Script) -> None:
    assert "Odd number of arguments" in script("import valohai; valohai.logger().log('a')", fails=True).stderr


def test_A1_of_a_hostile_archive_only_regular_files_are_unpacked_and_within_the_folder(
    script: Script, tmp_path: Path
) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    with tarfile.open(folder / "b.tar", "w") as tar:
        for name, kind, target in (
            ("out", tarfile.SYMTYPE, str(tmp_path)),
            ("out/through.txt", tarfile.REGTYPE, ""),
            ("hard", tarfile.LNKTYPE, "../../secret"),
            ("/absolute.txt", tarfile.REGTYPE, ""),
            ("pipe", tarfile.FIFOTYPE, ""),
            ("disk", tarfile.BLKTYPE, ""),
            ("setuid", tarfile.REGTYPE, ""),
            ("setuid", tarfile.REGTYPE, ""),
        ):
            about = tarfile.TarInfo(name)
            about.type, about.linkname, about.size, about.mode = kind, target, 0, 0o6755
            tar.addfile(about)
    code = """
import os, valohai
print(*sorted({path.split("/input-")[1].split("/", 1)[1] for path in valohai.inputs("t").paths()}))
print(*{oct(os.stat(path).st_mode & 0o7000) for path in valohai.inputs("t").paths()})
"""
    done = script(code, INPUT_T=str(folder), TMPDIR=str(tmp_path))
    assert lines(done) == ["absolute.txt out/through.txt setuid", "0o0"]
    assert not (tmp_path / "through.txt").exists()


def test_A1_a_member_larger_than_memory_is_unpacked(script: Script, tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    about = tarfile.TarInfo("zeros")
    about.size = 512 * 2**20
    with open(folder / "b.tar", "wb") as file:
        file.write(about.tobuf())
        file.truncate(512 + about.size + 1024)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))\n"
    code = limit + "import os, valohai\nprint(*(os.path.getsize(path) for path in valohai.inputs('t').paths()))"
    assert lines(script(code, INPUT_T=str(folder), TMPDIR=str(tmp_path))) == [str(about.size)]
    shutil.rmtree(next(tmp_path.glob("input-*")))
