"""The command line: settings -> data set -> method.fit -> scores -> run folder -> table."""

import os
import shutil
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from kingdra_repro.report.figures import draw_figures
from kingdra_repro.report.mistakes import one_line
from kingdra_repro.report.monitor import RunMonitor
from kingdra_repro.report.progress import ProgressDisplay
from kingdra_repro.report.result import make_result, read_result, write_result
from kingdra_repro.report.run_folder import config_hash, register_resolvers
from kingdra_repro.report.stopwatch import Stopwatch
from kingdra_repro.report.table import show_table
from kingdra_repro.schema import register_schema


def cluster(cfg: DictConfig) -> None:
    """One run: cluster one data set with one method, and leave the result in the run's folder."""
    job = HydraConfig.get()
    folder = Path(job.runtime.output_dir)
    done = read_result(folder)
    if done is not None:
        Console().print("This run is finished already; remove its folder to repeat it.")
        show_table(done, folder)
        return

    data = instantiate(cfg.dataset)
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(exist_ok=True)
    stopwatch = Stopwatch(checkpoint / "wall_seconds")
    with ProgressDisplay() as display:
        monitor = RunMonitor(folder, data.y, display, stopwatch)
        method = instantiate(cfg.method)(
            n_clusters=data.n_clusters, checkpoint_dir=checkpoint, monitor=monitor
        )
        method.fit(data.X)

    chosen = job.runtime.choices
    settings = {"method": chosen.method, "base": chosen.base, "seed": cfg.seed, "device": cfg.device}
    settings["config_hash"] = config_hash(cfg)
    result = make_result(settings, data, method, stopwatch.seconds())
    draw_figures(folder, data, method.labels_)
    write_result(folder, result, method.labels_)
    if not cfg.keep_checkpoint:
        shutil.rmtree(checkpoint)
    show_table(result, folder)


def main() -> None:
    """The console function ``kingdra-run``: exit status 0, or 2 for mistakes, told in one line each."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises, instead of printing a traceback and exiting with 1
    register_schema()
    register_resolvers()
    process, failed = os.getpid(), []

    def job(cfg: DictConfig) -> None:
        try:
            cluster(cfg)
        except Exception as error:
            # Told here, not raised: Hydra would add a line of its own, and a sweep goes on with its other jobs. A
            # launcher that runs jobs in processes of their own learns of a failure from the exception alone.
            if one_line(error) is None or os.getpid() != process:
                raise
            failed.append(_tell(error))

    try:
        hydra.main(version_base="1.3", config_path="pkg://kingdra_repro.configs", config_name="config")(job)()
    except KeyboardInterrupt:
        sys.exit("kingdra-run: stopped; the same command goes on from the last finished iteration")
    except Exception as error:
        if one_line(error) is None:
            raise
        failed.append(_tell(error))
    sys.exit(2 if failed else 0)


def _tell(error: Exception) -> str:
    line = one_line(error)
    print(f"kingdra-run: {line}", file=sys.stderr)
    return line
