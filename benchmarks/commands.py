"""`platestream bench`: benchmarks that print one JSON object of figures each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from platestream.cli.door import settings
from platestream.cli.output import err, print_json

app = typer.Typer(no_args_is_help=True, help="Benchmarks; each prints one JSON object of figures.")


@app.callback()
def _group() -> None:
    """Keep `bench` a group of commands."""


@app.command()
def pipeline(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turn.")] = 5,
) -> None:
    """Measure the whole recognize flow beside a bare loop of PaddleOCR over the same frames.

    Example: platestream bench pipeline --rounds 5
    """
    from benchmarks import pipeline as job

    print_json(job.run(rounds, settings().threads))


@app.command("read")
def read_photographs(
    directories: Annotated[
        list[Path],
        typer.Argument(
            exists=True, file_okay=False, help="Folders with a labels.csv, or with pictures without a plate."
        ),
    ],
    plateless: Annotated[int, typer.Option(min=0, help="Drawn pictures without a plate; one folder.")] = 500,
    sheet: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the misses of one folder as one picture there (PNG, JPEG)."),
    ] = None,
    curve: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write one folder's calibration curve there (SVG).")
    ] = None,
    baseline: Annotated[bool, typer.Option(help="Read every picture with PaddleOCR, too.")] = True,
    changed: Annotated[
        bool,
        typer.Option(
            "--changed", help="Read each picture in nine changes, too (size, light, turn, blur, JPEG)."
        ),
    ] = False,
) -> None:
    """Measure accuracy and speed of plate reading beside PaddleOCR's own `predict` on the same pictures.

    One labeled folder is reported in detail. Several folders, a folder without labels, --changed or
    --no-baseline give one line for each set, with 95 % intervals; there PLATESTREAM_AT_ONCE pictures are read
    at the same time.

    Example: platestream bench read photos/ --plateless 100 --sheet misses.png

    Example: platestream bench read car-parks/ streets/ no-plate/

    Example: platestream bench read car-parks/ --no-baseline --changed
    """
    from benchmarks import read as job

    lone = len(directories) == 1 and (directories[0] / "labels.csv").is_file()
    if not lone or not baseline or changed:
        _read_sets(directories, baseline, changed)
        return
    threads = settings().threads
    print_json(
        job.run(
            directories[0], threads, plateless, lambda p: track(p, "reading", console=err), sheet, curve,
        )
    )  # fmt: skip


def _read_sets(directories: Sequence[Path], baseline: bool, changed: bool) -> None:
    """Print lines for people to stderr, and return the JSON object."""
    from benchmarks import sets as job

    threads, at_once = settings().threads, settings().at_once
    found = job.run(
        directories, threads, at_once, baseline, changed, lambda p: track(p, "reading", console=err)
    )
    err.print(job.as_text(found.lines))
    print_json(found.as_json())


@app.command("frames")
def frames_of_a_pass(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="With a labels.csv.")],
    frames: Annotated[int, typer.Option(min=2, help="Frames of a pass.")] = 5,
    most: Annotated[int, typer.Option(min=1, help="Photographs at most.")] = 1_000,
) -> None:
    """Measure the gain of several frames of a vehicle over one, on photographs disturbed as a camera would.

    Example: platestream bench frames photos/ --frames 5
    """
    from benchmarks import frames as job

    threads = settings().threads
    print_json(job.run(directory, frames, most, threads, lambda p: track(p, "reading", console=err)))


@app.command()
def vehicles(
    data: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the sets.")],
    labels: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Labels, tab-separated.")] = Path(
        "models/labels/vehicles-measured.tsv"
    ),
    read: Annotated[int, typer.Option(min=0, help="Pictures that are read for comparison of the time.")] = 20,
) -> None:
    """Measure how often type, color and direction of vehicles are given and right, with 95 % intervals.

    Example: platestream bench vehicles photos/ --labels labels.tsv
    """
    from benchmarks import vehicles as job

    print_json(job.run(data, labels, read, lambda rows: track(rows, "describing", console=err)))


@app.command()
def video(
    seconds: Annotated[float, typer.Option(min=2, help="Length of the drawn video.")] = 60,
    fps: Annotated[float, typer.Option(min=1, help="Its frames a second.")] = 10,
    beside: Annotated[int, typer.Option(min=1, help="Every so many frames PaddleOCR reads one.")] = 20,
) -> None:
    """Measure a drawn 1080p street, most of whose frames hold nothing new, beside PaddleOCR's `predict`.

    Example: platestream bench video --seconds 20
    """
    from benchmarks import video as job

    print_json(job.run(seconds, fps, beside, settings().threads, err.print))


@app.command()
def match(
    entries: Annotated[int, typer.Option(min=1000, help="Entries of the hot list.")] = 2_000_000,
    patterns: Annotated[int, typer.Option(min=0, help="Partial plates.")] = 1_000,
    reads: Annotated[int, typer.Option(min=20_000, help="Reads that are matched.")] = 300_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
) -> None:
    """Measure the matching steps beside a join on exact plates, and the matcher beside a bare lookup.

    Example: platestream bench match --entries 200000 --rounds 1
    """
    from benchmarks import match as job

    print_json(job.run(entries, patterns, reads, rounds, err.print))


@app.command("match-kafka")
def match_on_kafka(
    entries: Annotated[int, typer.Option(min=1000, help="Entries of the hot list.")] = 2_000_000,
    patterns: Annotated[int, typer.Option(min=0, help="Partial plates.")] = 1_000,
    reads: Annotated[int, typer.Option(min=20_000, help="Reads that wait on the topic.")] = 300_000,
    picture: Annotated[int, typer.Option(min=0, help="Bytes of pictures in a read.")] = 0,
    seconds: Annotated[int, typer.Option(min=1, help="How long reads come at half of the rate.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="How often the bare consumers are measured.")] = 3,
) -> None:
    """Measure the match flow on the broker of PLATESTREAM_KAFKA, on its own topics, beside bare consumers.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream bench match-kafka --entries 200000
    """
    from benchmarks import match_kafka as job

    print_json(job.run(entries, patterns, reads, picture, seconds, rounds, err.print))


@app.command("scale")
def scale_match(
    processes: Annotated[
        list[int] | None, typer.Option(min=2, max=8, help="Processes that exchange data; repeatable.")
    ] = None,
    shares: Annotated[
        list[int] | None, typer.Option(min=2, max=8, help="Shares; repeatable; 2 and 4.")
    ] = None,
    entries: Annotated[int, typer.Option(min=1000, help="Entries of the hot list.")] = 100_000,
    reads: Annotated[int, typer.Option(min=20_000, help="Reads that wait on the topic.")] = 200_000,
    picture: Annotated[int, typer.Option(min=0, help="Bytes of pictures in a read.")] = 0,
    rate: Annotated[float, typer.Option(min=1, help="Reads a second for read to alert.")] = 2_000,
    seconds: Annotated[int, typer.Option(min=1, help="How long they come.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, in turn.")] = 3,
    cores: Annotated[
        float,
        typer.Option(min=0, help="Most cores of a process while it works off the reads, as root; 0: all."),
    ] = 0,
) -> None:
    """Measure the match flow on several shares or processes beside one, on the broker of PLATESTREAM_KAFKA,
    and the table bytes of a row.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream bench scale --shares 2 --processes 2
    """
    from benchmarks import scale as job

    several = [(1, one) for one in shares or [2, 4]] + [(one, 1) for one in processes or []]
    print_json(job.run([(1, 1), *several], entries, reads, picture, rate, seconds, rounds, cores, err.print))


@app.command()
def log(
    entries: Annotated[int, typer.Option(min=1000, help="Sealed inquiries.")] = 1_000_000,
    more: Annotated[int, typer.Option(min=1, help="By how many it is extended.")] = 1_000,
    a_day: Annotated[int, typer.Option(min=288, help="Inquiries a day, for the bytes of a day.")] = 2_000,
) -> None:
    """Measure the published inquiry log: a head computed from nothing, an extended head, sizes of proofs and
    files.

    Example: platestream bench log --entries 20000
    """
    from benchmarks import published_log as job

    print_json(job.run(entries, more, a_day, err.print))


@app.command()
def confusions(
    directories: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, help="Each with labels.csv.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the result of each picture to this file, without plates.")
    ] = None,
    plateless: Annotated[int, typer.Option(min=0, help="Drawn pictures without a plate.")] = 100,
) -> None:
    """Count the reader's character confusions on labeled pictures; `bench recall` disturbs plates by `--out`.

    Example: platestream bench confusions photos/ crops/ --out benchmarks/measured.json
    """
    import msgspec

    from benchmarks import confusions as job

    measured = job.measure(
        directories, settings().threads, plateless, lambda photos: track(photos, console=err)
    )
    if out is not None:
        out.write_bytes(msgspec.json.encode(measured) + b"\n")
    print_json(job.figures(measured))


@app.command()
def recall(
    entries: Annotated[int, typer.Option(min=1000, help="Entries of the hot list.")] = 500_000,
    reads: Annotated[int, typer.Option(min=1000, help="Plates that are disturbed and matched.")] = 100_000,
    draw: Annotated[Path | None, typer.Option(help="Draw the curves into this SVG.")] = None,
) -> None:
    """Measure the listed vehicles found and the false alerts, by the doubt allowed, with the reader's own
    errors.

    Example: platestream bench recall --entries 50000 --reads 20000 --draw benchmarks/notes/matching.svg
    """
    from benchmarks import recall as job
    from benchmarks.recall_chart import chart

    figures = job.run(entries, reads)
    if draw is not None:
        draw.write_text(chart(figures))
    print_json(figures)


@app.command("search")
def search_gate(
    rows: Annotated[int, typer.Option(min=1000, help="How many detections.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
) -> None:
    """Measure searches through the gate, with rows read and ms, beside a full scan. The time includes the
    inquiry's row.

    Example: platestream bench search --rows 1000000
    """
    from benchmarks import search as job

    print_json(job.run(rows, rounds))


@app.command()
def evidence(
    records: Annotated[int, typer.Option(min=1, help="How many detections are held.")] = 10_000,
    picture_bytes: Annotated[int, typer.Option(min=1, help="Size of the picture of each.")] = 5_000,
    plain: Annotated[bool, typer.Option(help="Pictures without encryption, for comparison.")] = False,
) -> None:
    """Measure holding, checking, exporting and verifying detections of one vehicle with their pictures.

    Example: platestream bench evidence --records 1000
    """
    from benchmarks import evidence as job

    print_json(job.run(records, picture_bytes, encrypted=not plain))


@app.command("notify")
def notify_receivers(
    rate: Annotated[float, typer.Option(min=0.01, help="Hits a second; 1: ten busy days' busiest hour.")] = 1,
    hits: Annotated[int, typer.Option(min=10, help="How many hits are timed.")] = 300,
    reads: Annotated[int, typer.Option(min=1000, help="Reads a round of the throughput.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds with receivers alive and dead.")] = 5,
) -> None:
    """Measure the time from a detection on the broker to the webhook and mail received, and matching with all
    receivers down.

    Needs a broker without topics of Platestream, and aiosmtpd.

    Example: PLATESTREAM_KAFKA=localhost:9092 platestream bench notify --hits 300
    """
    from benchmarks import notify as job

    print_json(job.run(settings(), rate, hits, reads, rounds, err.print))


@app.command("partners")
def partners_(
    rounds: Annotated[int, typer.Option(min=2, help="How often each is measured.")] = 30,
    whole: Annotated[int, typer.Option(min=1, help="Agencies that are processes with tables.")] = 3,
    rows: Annotated[int, typer.Option(min=1000, help="Reads of each of these.")] = 1_000_000,
) -> None:
    """Measure queries to 1, 10, 50 and 100 other agencies at once, a tenth of them down: first and last
    answer. 100 are asked again with some that are slow and some that lie. Needs openssl.

    Example: platestream bench partners --rounds 10 --rows 100000
    """
    from benchmarks import partners as job

    print_json(job.run(rounds, whole, rows, err.print))


@app.command()
def board(
    rows: Annotated[int, typer.Option(min=1000, help="How many detections.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
) -> None:
    """Measure every panel of the boards (rows read and ms), and the insert cost of the tables that the panels
    read.

    Example: platestream bench board --rows 1000000
    """
    from benchmarks import board as job

    print_json(job.run(rows, rounds))


@app.command()
def metrics(
    frames: Annotated[int, typer.Option(min=100, help="Frames a round.")] = 3000,
    rounds: Annotated[int, typer.Option(min=2, help="How often each is measured, in turn.")] = 10,
) -> None:
    """Measure the recognize flow with and without metrics, beside the time to read a frame.

    Example: platestream bench metrics --frames 1000 --rounds 4
    """
    from benchmarks import board as job

    print_json(job.counting(frames, rounds, settings().threads))


@app.command()
def console(
    alerts: Annotated[int, typer.Option(min=1, help="Uploads of listed plates.")] = 5,
    officers: Annotated[int, typer.Option(min=1, help="Pages of hits that are open.")] = 10,
    detections: Annotated[int, typer.Option(min=1, help="Rows of detections.")] = 100_000,
    hits: Annotated[int, typer.Option(min=1, help="Open hits.")] = 100_000,
    # With more, the searches exceed the vehicles that a person is shown in a day.
    rounds: Annotated[int, typer.Option(min=1, max=5, help="How often each page is opened.")] = 3,
) -> None:
    """Measure the console: from an upload to open pages, a notice's link, and bytes and time of every page.

    The hot list has 2,000 entries. It takes two minutes.

    Example: platestream bench console --officers 50 --rounds 5
    """
    from benchmarks import console as job

    print_json(job.run(alerts, officers, detections, hits, rounds))


@app.command()
def backup(
    inquiries: Annotated[int, typer.Option(min=1, help="Sealed inquiries in the log.")] = 100_000,
) -> None:
    """Measure an encrypted backup and its restore on a bare machine: seconds and bytes.

    Example: platestream bench backup --inquiries 10000
    """
    from benchmarks import backup as job

    print_json(job.run(inquiries, err.print))


@app.command()
def grow(
    cameras: Annotated[int, typer.Option(min=10, help="Cameras of the last step.")] = 32_000,
    seconds: Annotated[float, typer.Option(min=5, help="Seconds of each step.")] = 30,
) -> None:
    """Measure one machine with more and more cameras whose frames were read, until it falls behind.

    Each camera brings 0.139 detections with pictures a second, as in a busy hour, to the topic from which
    they are matched and to the tables. A step says how late hits were, what each process took of the
    processor, and how long a person waited for pages. PLATESTREAM_KAFKA names a broker in place of files.

    Example: platestream bench grow --cameras 1000
    """
    from benchmarks import grow as job

    print_json(job.run([*(one for one in job.STEPS if one < cameras), cameras], seconds))


@app.command()
def live(
    alerts: Annotated[int, typer.Option(min=0, help="Uploads of listed plates; 0: cameras only.")] = 30,
    cameras: Annotated[int, typer.Option(min=1, help="Cameras of RTSP, 1080p, 15 frames a second.")] = 10,
    seconds: Annotated[float, typer.Option(min=10, help="Seconds of traffic before them.")] = 60,
) -> None:
    """Measure the system of `platestream up`: its start, idle, uploads to alerts, and RTSP cameras.

    A vehicle passes each camera about every four seconds. Processor time is given for each second of a
    camera, by process and by stage, beside ffmpeg that only decodes the same video. Needs GStreamer's RTSP
    server and ffmpeg, as the tests do.

    Example: platestream bench live --cameras 10 --alerts 0
    """
    from benchmarks import live as job

    print_json(job.run(alerts, cameras, seconds))
