"""The command line: what it writes, and that everything that can go wrong is one clear line and an exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage
from support.places import ROOT, TINY
from support.tiny import live_yolo, photograph, save_yolo

from detcam.cli import main as cli
from detcam.cli.photographs import check_output
from detcam.errors import STOPS, MismatchError
from detcam.store.read import load_explanations


@pytest.fixture(autouse=True)
def shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs in ``shots/``, and the test's own current folder."""
    monkeypatch.chdir(tmp_path)
    Path("shots").mkdir()
    for name, seed in (("a", 0), ("b", 2)):  # on which the tiny YOLO's scores are not all 1, where ties decide
        PilImage.fromarray(photograph(seed)).save(f"shots/{name}.png")
    return tmp_path / "shots"


def run(*arguments: str, model: str = TINY) -> int:
    return cli.main(["explain", *arguments, "--model", model, "--max-boxes", "2"])


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str, model: str = TINY, code: int = 2) -> str:
    """The one line that a failing command writes to stderr."""
    assert run(*arguments, model=model) == code
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert said.out == ""
    assert lines[0].startswith("detcam: error: ")
    assert "Traceback" not in lines[0]
    return lines[0]


def test_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("shots", "--method", "hirescam", "--method", "gradient", "--class", "class 1", "--edge-maps",
               "--scale", "shared", "--cmap", "jet", "--out", "out") == 0
    said = capsys.readouterr()
    assert said.out.rstrip().endswith("2 photographs, 4 boxes: 2 figures, explanations.json and the raw heatmaps "
                                      "are in out/")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "a.npz", "a.png", "b.npz", "b.png", "explanations.json"]
    read = load_explanations("out")
    assert [[maps.method for maps in each.maps] for each in read] == [["hirescam", "gradient"]] * 2
    assert all(len(each) for each in read)
    assert all(each.class_name(int(label)) == "class 1" for each in read for label in each.detections.labels)
    assert json.loads(Path("out/explanations.json").read_text())["images"][0]["figures"] == ["a.png"]


def test_settings_reach_their_method() -> None:
    assert run("shots/a.png", "--method", "smoothgrad", "--method", "hirescam", "--samples", "2", "--noise", "0.1",
               "--layer", "auto", "--layer", "backbone.stem.2", "--target", "top", "--no-edges", "--seed", "3") == 0
    read = load_explanations("explanations")[0]
    assert [maps.settings for maps in read.maps] == [{"samples": 2, "noise": 0.1}, {}]
    assert read.provenance["seed"] == 3
    assert read.edges is None
    assert "+backbone.stem.2" in read.maps[1].heatmaps[0].layer


def test_settings_may_stand_with_the_method_that_they_are_for() -> None:
    assert run("shots/a.png", "--method", "smoothgrad+hirescam:samples=3", "--method", "smoothgrad", "--samples", "2",
               "--method", "occlusion:window=0.5,stride=0.5", "--baseline", "blur", "--max-boxes", "2", "--no-edges",
               "--method", "integrated_gradients:tolerance=10", "--steps", "2") == 0
    read = load_explanations("explanations")[0]
    assert [(maps.method, maps.settings) for maps in read.maps] == [
        ("smoothgrad+hirescam", {"samples": 3}), ("smoothgrad", {"samples": 2}),
        ("occlusion", {"window": 0.5, "stride": 0.5, "baseline": "blur"}),
        ("integrated_gradients", {"tolerance": 10, "steps": 2, "baseline": "blur"})]
    assert "level" in read.maps[0].heatmaps[0].layer
    assert read.maps[1].heatmaps[0].layer == "pixels"


def test_a_margin_names_its_runner_up_and_needs_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("shots/a.png", "--target", "margin") == 0
    names = [one.numbers["target"] for one in load_explanations("explanations")[0]]
    assert names
    assert all(name.startswith("margin over ") for name in names)
    capsys.readouterr()
    one = live_yolo(tmp_path)
    one.model.names = one.model.model[-1].names = {0: "person"}
    save_yolo(one.model, tmp_path / "one.pt")
    assert "no runner-up" in complaint(capsys, "shots/a.png", "--target", "margin", model=str(tmp_path / "one.pt"))


def test_a_sweep_is_drawn_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("shots/a.png", "--sweep", "--no-edges") == 0
    assert "1 photograph, 2 boxes: 3 figures" in capsys.readouterr().out
    assert run("shots/a.png", "--sweep-box", "2", "--no-edges", "--cmap", "jet") == 0
    assert sorted(path.name for path in Path("explanations").iterdir()) == [
        "a.npz", "a.png", "a.sweep-2.png", "explanations.json"]
    assert [list(one.sweep) for one in load_explanations("explanations")[0]] == [
        [], ["backbone.stem.1", "backbone.stem.3", "backbone.stem", "backbone.second", "backbone.third"]]
    assert run("shots/a.png", "--sweep-box", "3", "--no-edges") == 1
    assert "there is no box 3" in capsys.readouterr().err
    assert "add a layer method" in complaint(capsys, "shots/a.png", "--sweep", "--method", "gradient")


def test_files_folders_and_patterns_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("shots/b.png", "shots", "shots/*.png", "./shots/a.png") == 0
    assert [each.image.name for each in load_explanations("explanations")] == ["shots/b.png", "shots/a.png"]


def test_no_detections_are_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("shots/a.png", "--min-score", "0.99999999") == 0
    assert "1 photograph, 0 boxes with a score above 0.99999999: 1 figure" in capsys.readouterr().out
    assert [len(each) for each in load_explanations("explanations")] == [0]
    assert Path("explanations/a.png").stat().st_size > 1000


def test_a_yolo_from_its_checkpoint(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    live_yolo(tmp_path)
    capfd.readouterr()
    assert run("shots/a.png", "--imgsz", "96x128", model="yolov8n-tiny.pt") == 0
    said = capfd.readouterr()
    assert "Ultralytics" not in said.out
    assert "1 photograph, 2 boxes" in said.out
    words = complaint(capfd, "shots", "--score-activation", "softmax", model="yolov8n-tiny.pt")
    assert "score_activation does not go with" in words


def test_one_bad_photograph_does_not_stop_a_run(shots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (shots / "a.png").read_bytes()
    (shots / "aa.png").write_bytes(whole[:2000])
    (shots / "empty.jpg").touch()
    (shots / "text.jpg").write_text("no photograph")
    assert run("shots") == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[0] == "detcam: 3 of 5 photographs could not be explained:"
    assert [line.split(":")[0] for line in said.err.splitlines()[1:]] == [
        "  shots/aa.png", "  shots/empty.jpg", "  shots/text.jpg"]
    assert "2 photographs, 4 boxes" in said.out
    content = json.loads(Path("explanations/explanations.json").read_text())
    assert [each["file"] for each in content["failures"]] == ["shots/aa.png", "shots/empty.jpg", "shots/text.jpg"]
    assert len(load_explanations("explanations")) == 2


def test_an_unreadable_file_installs_nothing(tmp_path: Path, shots: Path) -> None:
    live_yolo(tmp_path)
    (shots / "text.jpg").write_text("no photograph")
    done = subprocess.run([sys.executable, "-m", "detcam", "explain", "shots", "--model", "yolov8n-tiny.pt",
                           "--max-boxes", "1"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "2 photographs, 2 boxes" in done.stdout
    assert done.stderr.splitlines()[-2:] == [
        "detcam: 1 of 3 photographs could not be explained:",
        "  shots/text.jpg: not a photograph that Pillow can read (empty, damaged or of another type)"]
    assert "AutoUpdate" not in done.stdout + done.stderr


def test_an_unforeseen_error_is_one_photograph_s_own(monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    import detcam.cli.commands.explain_photographs
    original = detcam.cli.commands.explain_photographs.explain

    def failing(detector: Any, path: Path, **options: Any) -> Any:
        if path.name == "a.png":
            raise RuntimeError("out of\nmemory")
        return original(detector, path, **options)

    monkeypatch.setattr("detcam.cli.commands.explain_photographs.explain", failing)
    assert run("shots") == 1
    assert "  shots/a.png: RuntimeError: out of memory" in capsys.readouterr().err
    assert len(load_explanations("explanations")) == 1


def test_hostile_names(shots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a$b_<script>.png", "[red]x.png", "日本.png", "x" * 240 + ".png", "new\nline\x1b[31m.png", "--out.png"]
    for name in names:
        PilImage.fromarray(photograph(5)).save(shots / name)
    (shots / "folder.png").mkdir()
    (shots / "._a.png").write_text("what other systems leave behind")
    assert run("shots") == 0
    made = {path.name for path in Path("explanations").iterdir()}
    assert {"a_b__script.png", "red_x.png", "日本.png", "x" * 100 + ".png", "new_line_31m.png", "out.png"} <= made
    assert "\x1b[31m" not in capsys.readouterr().out
    assert {Path(each.image.name).name for each in load_explanations("explanations")} == {*names, "a.png", "b.png"}


def test_the_same_name_in_two_folders(shots: Path) -> None:
    for folder in ("other", "third"):
        Path(folder).mkdir()
        PilImage.fromarray(photograph(7)).save(f"{folder}/a.png")
    assert run("shots/a.png", "other", "third") == 0
    assert {"a.png", "a-2.png", "a-3.png", "a.npz", "a-2.npz", "a-3.npz"} <= {
        path.name for path in Path("explanations").iterdir()}
    assert len(load_explanations("explanations")) == 3


def test_photographs_and_other_files_are_never_written_over(shots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.read_bytes() for path in shots.iterdir()}
    assert "shots: holds the photographs themselves" in complaint(capsys, "shots/a.png", "--out", "shots")
    Path("mine").mkdir()
    Path("mine/a.png").write_text("mine")
    assert "mine/a.png: exists, and detcam did not make" in complaint(capsys, "shots", "--out", "mine")
    assert Path("mine/a.png").read_text() == "mine"
    assert {path.name: path.read_bytes() for path in shots.iterdir()} == before
    assert run("shots", "--out", "own") == 0
    assert run("shots", "--out", "own") == 0  # its own output may be made again
    check_output(Path("own"), [shots / "a.png"])


def test_usage_errors(shots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    Path("file").write_text("")
    os.mkfifo("fifo.jpg")
    cases = {
        ("nofile.jpg",): "nofile.jpg: no such file or folder",
        ("shots", "nofile.jpg"): "nofile.jpg: no such file",
        ("empty",): "empty: the folder holds no photograph",
        (".",): "holds no photograph itself; name its folders",
        ("shots/*.tif",): "no photograph (jpg,",
        ("fifo.jpg",): "neither a file nor a folder",
        ("",): "an empty name",
        ("x" * 5000,): "cannot be opened",
        ("shots", "--out", "file"): "file: output cannot be written there (File exists)",
        ("shots", "--out", "file/below"): "output cannot be written there (Not a directory)",
        ("shots", "--method", "gradcm"): "unknown method 'gradcm': did you mean gradcam",
        ("shots", "--layer", "backbone.stm.0"): "no layer 'backbone.stm.0': did you mean backbone.stem.0",
        ("shots", "--layer", "backbone"): "gives no [B, c, h, w] map",
        ("shots", "--edge-layer", "stem"): "no layer 'stem'",
        ("shots", "--class", "clas 1"): "no class 'clas 1': did you mean class 1",
        ("shots", "--target", "tp"): "unknown target 'tp': did you mean top",
        ("shots", "--cmap", "jett"): "unknown colour map 'jett': did you mean jet",
        ("shots", "--min-score", "1"): "--min-score 1.0: expected a number from 0 to 1",
        ("shots", "--min-score", "nan"): "--min-score nan",
        ("shots", "--samples", "4"): "--samples: hirescam takes no such setting; smoothgrad, "
                                         "smoothgrad_squared, vargrad, drise do",
        ("shots", "--baseline", "pink"): "--baseline 'pink': expected black, white, grey, blur or mean",
        ("shots", "--method", "smoothgrad:samples=2", "--method", "smoothgrad:samples=3"): "smoothgrad is named twice",
        ("shots", "--method", "smoothgrad+drise"): "averages methods that use gradients",
        ("shots", "--samples", "0"): "--samples",
        ("shots", "--scale", "other"): "--scale",
        ("shots", "--no-edges", "--edge-maps"): "need --edges",
        ("shots", "--reference", "nofile"): "nofile: no such reference file",
        ("shots", "--reference", "shots/a.png"): "not a reference file",
        ("shots", "--device", "gpu"): "--device 'gpu': cannot be used",
        ("shots", "--imgsz", "big"): "--imgsz 'big': expected 640",
        ("shots", "--imgsz", "640"): "imgsz does not go with",
        ("shots", "--head", "one2one"): "head does not go with",
        ("shots", "--weights", "nofile"): "nofile: no such weights file",
        ("shots", "--bogus"): "(see detcam explain --help)",
    }
    for arguments, words in cases.items():
        line = complaint(capsys, *arguments)
        assert words in line, (arguments, line)
        assert len(line) < 1000
    assert not list(Path().glob("explanations/*"))


def test_model_errors(shots: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.py").write_text("import no_such_module")
    Path("text.pt").write_text("no checkpoint")
    cases = {
        "": "unknown model ''",
        "yolov8": "unknown model 'yolov8': did you mean yolov8",
        "nofile.pt": "nofile.pt: no such checkpoint file",
        "text.pt": "text.pt",
        "nofile.py:build": "nofile.py: no such Python file",
        TINY + "d": "has no function 'tiny_ssdd': did you mean tiny_ssd",
        "broken.py:build": "cannot be run (ModuleNotFoundError",
    }
    for model, words in cases.items():
        assert words in complaint(capsys, "shots", model=model)


def test_a_model_with_its_own_postprocessing_stops_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    line = complaint(capsys, "shots", "--score-activation", "sigmoid", code=1)
    assert "--score-activation softmax" in line
    assert not list(Path("explanations").iterdir())
    assert MismatchError in STOPS


def test_without_a_model_the_shipped_one_explains_the_sample_photographs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "--out", "out"]) == 0
    assert "4 photographs" in capsys.readouterr().out
    assert len(list(Path("out").glob("*.png"))) >= 4
    found = {Path(each.image.name).name: each for each in load_explanations("out")}
    assert set(found) == {"astronaut.png", "chelsea.png", "grace_hopper.jpg", "bus.jpg"}
    assert all(each.provenance["detector"] == "detcam-person-ssd" for each in found.values())
    assert all(each.class_names == {1: "person"} for each in found.values())


def test_ctrl_c_leaves_what_is_finished(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import detcam.cli.commands.explain_photographs
    original = detcam.cli.commands.explain_photographs.explain

    def stopped(detector: Any, path: Path, **options: Any) -> Any:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return original(detector, path, **options)

    monkeypatch.setattr("detcam.cli.commands.explain_photographs.explain", stopped)
    assert run("shots") == 130
    assert "detcam: interrupted; 1 of 2 photographs finished" in capsys.readouterr().err
    assert [each.image.name for each in load_explanations("explanations")] == ["shots/a.png"]
    assert sorted(path.name for path in Path("explanations").iterdir()) == ["a.npz", "a.png", "explanations.json"]


def test_ctrl_c_while_the_model_loads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("detcam.cli.loading.load", stopped)
    assert run("shots") == 130
    assert capsys.readouterr().err.strip() == "detcam: interrupted"


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--version"], ["explain", "--version"]):
        assert cli.main(arguments) == 0
        assert capsys.readouterr().out.startswith("detcam 0.")
    assert cli.main(["explain", "--help"]) == 0
    assert "--method" in capsys.readouterr().out
    assert cli.main([]) == 2
    said = capsys.readouterr()
    assert "explain" in said.out + said.err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_process_leaves_a_folder_that_loads(shots: Path, how: signal.Signals) -> None:
    for number in range(40):
        PilImage.fromarray(photograph(number)).save(shots / f"many{number:02}.png")
    script = str(ROOT / "scripts" / "explain_detections.py")
    process = subprocess.Popen([sys.executable, script, "shots", "--model", TINY, "--max-boxes", "2"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline, written = time.monotonic() + 60, Path("explanations/explanations.json")
    while time.monotonic() < deadline and not (written.exists() and "heatmap_key" in written.read_text()):
        time.sleep(0.05)
    process.send_signal(how)
    err = process.communicate(timeout=60)[1]
    finished = load_explanations("explanations")
    assert 1 <= len(finished) < 42
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "detcam: interrupted;" in err
        assert "Traceback" not in err


def test_the_script_is_the_same_command() -> None:
    script = str(ROOT / "scripts" / "explain_detections.py")
    done = subprocess.run([sys.executable, script, "nofile.jpg", "--model", TINY], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "detcam: error: nofile.jpg: no such file or folder\n"


@pytest.mark.assets
def test_the_sample_photographs(assets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "--model", str(assets / "weights" / "yolov8n-rebuilt.pt")]) == 0
    found = {Path(each.image.name).name: [each.class_name(int(label)) for label in each.detections.labels]
             for each in load_explanations("explanations")}
    assert found["bus.jpg"].count("person") == 4
    assert "person" in found["astronaut.png"]
    assert "person" in found["grace_hopper.jpg"]
    assert "person" not in found["chelsea.png"]


def test_a_place_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("shots/a.png", "--at", "64,40", "--at", "3.5,90", "--box", "10, 10, 60, 80", "--class", "class 1",
               "--min-score", "0.9") == 0
    said = capsys.readouterr().out
    assert "1 photograph, 3 places: 1 figure" in said
    (read,) = load_explanations("explanations")
    verdicts = [verdict for verdict in read.verdicts if verdict is not None]
    assert [str(verdict.place) for verdict in verdicts] == ["at 64,40", "at 3.5,90", "box 10,10,60,80"]
    assert {verdict.class_name for verdict in verdicts} == {"class 1"}
    for verdict in verdicts:
        assert f"{verdict.place}: {verdict.sentence}" in " ".join(said.split())
    record = json.loads(Path("explanations/explanations.json").read_text())["images"][0]["detections"][0]["verdict"]
    assert record["sentence"] == verdicts[0].sentence


@pytest.mark.parametrize(("arguments", "words"), [
    (["--at", "12"], "--at '12': expected X,Y in pixels of the photograph, such as 320,240"),
    (["--at", "a,b"], "--at 'a,b': expected X,Y"),
    (["--at", "1,2,3"], "--at '1,2,3': expected X,Y"),
    (["--at", "nan,3"], "--at 'nan,3': expected X,Y"),
    (["--at", "-5,3"], "at -5,3: outside the photograph, 128 x 96 px"),
    (["--at", "128.5,3"], "at 128.5,3: outside the photograph, 128 x 96 px"),
    (["--box", "1,2,3"], "--box '1,2,3': expected X1,Y1,X2,Y2 in pixels of the photograph, such as 300,80,420,400"),
    (["--box", "50,10,20,40"], "box 50,10,20,40: expected X1 < X2"),
    (["--box", "200,10,220,40"], "box 200,10,220,40: outside the photograph"),
    (["shots/b.png", "--at", "5,5"], "--at and --box ask about one photograph, and 2 are named: name one"),
    (["shots/b.png", "--versus", "2"], "--versus names a box of one photograph, and 2 are named: name one"),
])
def test_no_place(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert words in complaint(capsys, "shots/a.png", *arguments)
    assert not Path("explanations/explanations.json").exists()
