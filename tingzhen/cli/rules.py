"""`tingzhen rules`: rule packs."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbone.errors import UserError
from tingzhen.cli.output import console, print_json, stderr

if TYPE_CHECKING:
    from qa_engine.events import Alert

app = typer.Typer(
    help="Rule packs: check them, and help an editor write them.", no_args_is_help=True
)


@app.command("check")
def check_pack(
    pack: Annotated[Path | None, typer.Argument(help="A pack's folder; ours if unset.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check a rule pack: file, line and reason of every problem.

    Exit status 2 when the pack cannot be used, 1 when it can but something in it looks wrong.

    Examples:

        tingzhen rules check

        tingzhen rules check /etc/tingzhen/rules --json
    """
    from qa_engine.guidance.content import check_guidance, load_guidance
    from qa_engine.pack import DEFAULT_PACK, check, load

    folder = pack or DEFAULT_PACK
    problems = [*check(folder), *check_guidance(folder)]
    for problem in problems:
        if json:
            print_json({"type": "problem", **asdict(problem)})
        else:
            console.print(str(problem), markup=False, soft_wrap=True)
    if any(problem.level == "error" for problem in problems):
        raise typer.Exit(2)
    if not json:
        loaded = load(folder)
        console.print(f"{loaded.name} {loaded.version}: {len(loaded.rules)} rules in force")
        guidance = load_guidance(folder)
        full = sum(script.script.detail == "full" for script in guidance.scripts.values())
        console.print(
            f"guidance {guidance.version}: {len(guidance.topics)} topics, "
            f"{len(guidance.scripts)} scripts ({full} written in full), "
            f"{sum(map(len, guidance.library.values()))} sentences"
        )
    if problems:
        raise typer.Exit(1)


@app.command("schema")
def schema(
    file: Annotated[
        str, typer.Argument(help="rules, topics, scripts, scenes or empathy.")
    ] = "rules",
) -> None:
    """Print the JSON Schema of a pack's files, for editors that check YAML.

    Examples:

        tingzhen rules schema > tingzhen-rules.schema.json

        tingzhen rules schema scripts > tingzhen-scripts.schema.json
    """
    from qa_engine.guidance.content import guidance_schemas
    from qa_engine.pack import json_schema

    schemas = {name.removesuffix(".yaml"): s for name, s in guidance_schemas().items()}
    schemas["rules"] = json_schema()
    if file not in schemas:
        raise UserError(f"no file of a pack is named {file}: one of {', '.join(sorted(schemas))}")
    console.print_json(json_module.dumps(schemas[file], ensure_ascii=False))


@app.command("test")
def try_pack(
    pack: Annotated[Path | None, typer.Argument(help="A pack's folder; ours if unset.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say the examples that stand beside the rules; exit status 1 when one is wrong.

    Examples:

        tingzhen rules test

        tingzhen rules test /etc/tingzhen/rules --json
    """
    from qa_engine.pack import DEFAULT_PACK, load
    from qa_engine.rehearsal import try_examples

    loaded = load(pack or DEFAULT_PACK)
    results = try_examples(loaded)
    for result in results:
        if json:
            print_json({"type": "example", "good": result.good, **asdict(result)})
        elif not result.good:
            what = "did not fire" if result.should_fire else "fired"
            if result.instead:
                what += f" ({', '.join(result.instead)} of its kind did)"
            console.print(
                f"{result.rule}: {what}: {' / '.join(result.lines)}", markup=False, soft_wrap=True
            )
    wrong = sum(not result.good for result in results)
    if not json:
        without = sum(rule.examples is None for rule in loaded.rules)
        console.print(f"{len(results)} examples, {wrong} wrong; {without} rules without examples")
    if wrong:
        raise typer.Exit(1)


@app.command("backtest")
def backtest(
    pack: Annotated[Path, typer.Argument(help="The pack to try.")],
    store: Annotated[
        str | None, typer.Option(help="Database of stored calls; the configured one if unset.")
    ] = None,
    calls: Annotated[
        Path | None, typer.Option(help="A folder of scripted calls (ID.json) instead.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Compare with this pack; unset: with the alerts that were raised."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep each judged call in this file; the same command goes on there."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Judge stored calls by a pack: what would have been alerted, beside what was.

    Alerts that people have judged give a rule's precision as it was, and as the pack would have it.
    Stored text has its numbers and names covered, so rules on digits find less than they did live.
    How far it is stands on stderr; with --keep, a run that was stopped loses nothing.

    Examples:

        tingzhen rules backtest my-pack

        tingzhen rules backtest my-pack --keep my-pack.backtest

        tingzhen rules backtest my-pack --calls calls --against old-pack --json
    """
    from rich.progress import Progress

    from tingzhen.backtest import run_backtest

    with Progress(console=stderr, transient=True) as bar:
        task = bar.add_task("calls", total=None)
        report = run_backtest(
            pack,
            store=store,
            calls=calls,
            against=against,
            keep=keep,
            progress=lambda done, of: bar.update(task, completed=done, total=of),
        )
    for change in report.rules:
        line = {
            "type": "backtest_rule",
            "rule": change.rule,
            "before": change.before,
            "after": change.after,
            "new": [_where(alert) for alert in change.new],
            "gone": [_where(alert) for alert in change.gone],
        }
        if json:
            print_json(line)
            continue
        console.print(
            f"{change.rule}: {change.before} -> {change.after}"
            f" (+{len(change.new)} -{len(change.gone)})",
            markup=False,
        )
        for sign, alerts in (("+", change.new), ("-", change.gone)):
            for alert in alerts:
                console.print(
                    f"  {sign} {alert.call_id} {alert.start}: {alert.phrase}", markup=False
                )
    for judged in report.judged:
        after = judged.precision_after
        if json:
            print_json(
                {
                    "type": "backtest_judged",
                    **asdict(judged),
                    "precision_before": judged.precision_before,
                    "precision_after": after,
                }
            )
            continue
        console.print(
            f"{judged.rule}: judged {judged.correct} correct ({judged.correct_kept} again), "
            f"{judged.false_alarm} false alarms ({judged.false_alarm_kept} again); precision "
            f"{judged.precision_before:.0%} -> {'–' if after is None else f'{after:.0%}'}",
            markup=False,
        )
    summary = {"calls": report.calls, "before": report.before, "after": report.after}
    if json:
        print_json({"type": "backtest", **summary})
    else:
        console.print(f"{report.calls} calls: {report.before} alerts -> {report.after}")


@app.command("versions")
def list_versions(
    config: Annotated[Path | None, typer.Option(help="The node's TOML settings.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Which rules and guidance were in force since when, and what each version changed.

    A rule has changed when it, a list it looks for, or a rule it builds on was edited.

    Exit status 1 when the chain of versions was tampered with.

    Examples:

        tingzhen rules versions --config tingzhen.toml

        tingzhen rules versions --json
    """
    import datetime as dt

    import msgspec

    from backbone.store.engine import open_engine
    from qa_engine.versions import versions
    from tingzhen.settings import load_settings

    engine = open_engine(load_settings(config).store_url)
    with engine.connect() as connection:
        found = versions(connection)
    engine.dispose()
    for version in found:
        if json:
            print_json({"type": "rules_version", **msgspec.to_builtins(version)})
            continue
        since = dt.datetime.fromtimestamp(version.at).astimezone()
        marks = [
            *(f"+{rule}" for rule in version.added if not version.first),
            *(f"-{rule}" for rule in version.removed),
            *(f"~{rule}" for rule in version.changed),
        ]
        console.print(
            f"{version.number}. {since:%Y-%m-%d %H:%M:%S} {version.pack} {version.version} "
            f"{version.digest[:16]} {' '.join(version.files_changed)} {' '.join(marks)}".rstrip(),
            markup=False,
        )
        if not version.whole:
            console.print("   链断开：此行被改动 this row does not fit the chain", markup=False)
    if any(not version.whole for version in found):
        raise typer.Exit(1)


def _where(alert: Alert) -> dict[str, object]:
    return {
        "call_id": alert.call_id,
        "start": alert.start,
        "end": alert.end,
        "kind": alert.kind,
        "severity": alert.severity,
        "phrase": alert.phrase,
    }
