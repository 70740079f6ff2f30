"""Settings: precedence, every source's errors, and that any text either loads or is refused by name."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from toolkit import values
from toolkit.settings import SettingsError, load, load_or_exit, option, repeated
from toolkit.values import Address


@dataclass(frozen=True, slots=True)
class Demo:
    """What the tests need."""

    listen: Address = option("web.listen-address", Address("", 10177), "Where.", parse=values.address)
    interval: float = option("evaluation.interval", 60.0, "How often.", parse=values.duration_seconds)
    workers: int = option("fit.workers", 2, "How many, 100% of them.")
    name: str = option("name", "demo", "Its name.")
    sockets: bool = option("collector.sockets", True, "Read sockets.")
    urls: tuple[str, ...] = repeated("alertmanager.url", (), "Where to post.", parse=values.url)

    def __post_init__(self) -> None:
        if self.workers > self.interval:
            raise ValueError("fit.workers: more than evaluation.interval")


def demo(*argv: str, **environ: str) -> Demo:
    return load(Demo, argv, environ, "demo")


def refused(*argv: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        demo(*argv, **environ)
    return str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo.yml"


def test_defaults_work_without_anything() -> None:
    assert demo() == Demo()


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(file: Path) -> None:
    file.write_text("name: file\nfit:\n  workers: 3\nevaluation.interval: 5m\n")
    found = demo(f"--config.file={file}", "--name=flag", LARIMAR_NAME="env", LARIMAR_FIT_WORKERS="4")
    assert found == Demo(name="flag", workers=4, interval=300.0)


def test_the_file_may_be_named_by_the_environment(file: Path) -> None:
    file.write_text("name: file\n")
    assert demo(LARIMAR_CONFIG_FILE=str(file)).name == "file"


def test_a_switch_has_a_flag_for_each_way() -> None:
    assert not demo("--no-collector.sockets").sockets
    assert demo("--collector.sockets", LARIMAR_COLLECTOR_SOCKETS="no").sockets


def test_repeated_settings_come_from_flags_commas_and_lists(file: Path) -> None:
    both = ("http://a:9093", "http://b:9093")
    file.write_text("alertmanager:\n  url: [http://a:9093, http://b:9093/]\n")
    assert demo("--alertmanager.url=http://a:9093", "--alertmanager.url", "http://b:9093").urls == both
    assert demo(LARIMAR_ALERTMANAGER_URL="http://a:9093, http://b:9093").urls == both
    assert demo(f"--config.file={file}").urls == both


def test_text_in_the_file_stays_what_was_written(file: Path) -> None:
    file.write_text("name: 1.10\n")
    assert demo(f"--config.file={file}").name == "1.10"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("nmae: x\n", "nmae: unknown key"),
        ("web:\n  listen: x\n", "web.listen: unknown key"),
        ("fit.workers: many\n", "fit.workers: 'many' is not a whole number"),
        ("fit.workers: [1, 2]\n", "fit.workers: one plain value is needed, not list"),
        ("fit.workers: !!int 3\n", "fit.workers: one plain value is needed, not int"),
        ("alertmanager.url:\n  - [http://a]\n", "alertmanager.url: one plain value is needed, not list"),
        ("fit:\n  workers: 1\nfit.workers: 2\n", "fit.workers: given twice"),
        ("name: a\nname: b\n", "line 2: name: given twice"),
        ("name: [\n", "line 2: expected the node content"),
        ("- name\n", "a mapping of keys to values is needed"),
        ("1: x\n? [a]\n: y\n", "line 2: a key that is not text"),
        ("name: &a x\nfit.workers: *a\n", "line 2: aliases are not supported"),
        ("name: !!python/name:os.system x\n", "could not determine a constructor"),
    ],
)
def test_a_bad_file_stops_with_file_key_and_reason(file: Path, content: str, reason: str) -> None:
    file.write_text(content)
    message = refused(f"--config.file={file}")
    assert message.startswith(f"{file}: ")
    assert reason in message


def test_an_unreadable_or_endless_file_is_named(tmp_path: Path) -> None:
    assert refused(f"--config.file={tmp_path / 'none.yml'}") == f"{tmp_path / 'none.yml'}: No such file or directory"
    assert refused(f"--config.file={tmp_path}") == f"{tmp_path}: Is a directory"
    assert refused("--config.file=/dev/zero") == "/dev/zero: longer than 1048576 bytes"


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("# nothing yet\n")
    assert demo(f"--config.file={file}") == Demo()


def test_bad_flags_and_variables_are_named() -> None:
    assert refused("--fit.workers=x") == "--fit.workers: 'x' is not a whole number"
    assert refused(LARIMAR_FIT_WORKERS="x") == "LARIMAR_FIT_WORKERS: 'x' is not a whole number"
    assert "unrecognized arguments: --bogus" in refused("--bogus")
    assert "unrecognized arguments: --fit.work=3" in refused("--fit.work=3")
    assert "unrecognized arguments: stray" in refused("stray")


def test_settings_that_contradict_each_other_are_refused() -> None:
    assert refused("--fit.workers=61") == "fit.workers: more than evaluation.interval"


def test_a_password_in_a_url_is_never_in_the_error() -> None:
    assert "secret" not in refused("--alertmanager.url=ftp://user:secret@host/")
    assert "secret" not in refused("--alertmanager.url=http://user:se:cret@host:secret/")


def test_help_shows_each_flag_and_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        demo("--help")
    assert caught.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "--web.listen-address ADDRESS Where. Default: :10177." in shown
    assert "How many, 100% of them. Default: 2." in shown


def test_an_error_at_start_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load_or_exit(Demo, ["--fit.workers=x"], {}, "demo")
    assert caught.value.code == 2
    assert capsys.readouterr().err == "demo: --fit.workers: 'x' is not a whole number\n"


@given(name=st.text(), workers=st.integers(0, 50), sockets=st.booleans(), nested=st.booleans())
def test_what_yaml_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, workers: int, sockets: bool, nested: bool
) -> None:
    path = tmp_path_factory.mktemp("settings") / "demo.yml"
    keys = {"fit": {"workers": workers}} if nested else {"fit.workers": workers}
    path.write_text(yaml.safe_dump({"name": name, "collector.sockets": sockets, **keys}))
    assert demo(f"--config.file={path}") == Demo(name=name, workers=workers, sockets=sockets)


@given(content=st.binary(max_size=200))
def test_any_bytes_load_or_are_refused_with_the_files_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("settings") / "demo.yml"
    path.write_bytes(content)
    try:
        demo(f"--config.file={path}")
    except SettingsError as error:
        message = str(error)
    else:
        return
    assert message.startswith(f"{path}: ")
