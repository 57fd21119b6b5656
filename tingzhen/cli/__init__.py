"""The command line: `tingzhen --help`.

Exit status: 0 done, 1 found problems (check, doctor), 2 bad input, with one line on stderr.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from backbone.errors import UserError
from tingzhen.cli import (
    analyze,
    audit,
    backup,
    bench,
    bench_detection,
    bench_fanout,
    bench_guidance,
    bench_history,
    bench_latency,
    bench_rules,
    bench_screenpop,
    bench_search,
    bench_wordings,
    calls,
    console,
    demo,
    doctor,
    forecast,
    lab,
    listen,
    reconcile,
    report,
    rules,
    run,
    transcribe,
)

app = typer.Typer(
    name="tingzhen",
    help="听诊 listens to a hospital's phone calls while they happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # their local variables would show callers and transcripts
    rich_markup_mode="rich",
)
app.command("demo", help=demo.HELP)(demo.demo)
app.command("run", help=run.HELP)(run.run)
app.add_typer(lab.app, name="lab")
app.command("analyze", help=analyze.HELP)(analyze.analyze)
app.command("transcribe", help=transcribe.HELP)(transcribe.transcribe)
app.command("listen", help=listen.HELP)(listen.listen)
app.command("calls", help=calls.HELP)(calls.calls)
app.command("reconcile", help=reconcile.HELP)(reconcile.reconcile)
app.command("forecast", help=forecast.HELP)(forecast.forecast)
app.command("report", help=report.HELP)(report.report)
app.add_typer(rules.app, name="rules")
app.add_typer(audit.app, name="audit")
app.add_typer(console.app, name="console")
bench.app.command("detection")(bench_detection.detection)
bench.app.command("latency")(bench_latency.latency)
bench.app.command("wordings")(bench_wordings.wordings)
bench.app.command("match")(bench_rules.match)
bench.app.command("guidance")(bench_guidance.bench_guidance)
bench.app.command("fanout")(bench_fanout.bench_fanout)
bench.app.command("screenpop")(bench_screenpop.bench_screenpop)
bench.app.command("search")(bench_search.bench_search)
bench.app.command("history")(bench_history.bench_history)
app.add_typer(bench.app, name="bench")
app.command("backup", help=backup.BACKUP_HELP)(backup.backup)
app.command("restore", help=backup.RESTORE_HELP)(backup.restore)
app.command("doctor", help=doctor.HELP)(doctor.doctor)


def main() -> None:
    """Run the command line and turn a user's error into one line and status 2."""
    try:
        app()
    except UserError as error:
        _refuse(error)
    except BaseExceptionGroup as group:
        # A component of a node raises inside a task group.
        theirs = group.subgroup(UserError)
        if theirs is None:
            raise
        _refuse(_first(theirs))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `tingzhen calls … | head` is no error.
        sys.stderr.close()
        sys.exit(0)


def _refuse(error: BaseException) -> NoReturn:
    sys.stderr.write(f"tingzhen: {error}\n")
    sys.exit(2)


def _first(group: BaseExceptionGroup[UserError]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
