"""A clock that is more than 30 seconds off is told, in either direction, and not with every answer."""

import io
import json

import pytest
from tests.support.hand_clock import HandClock

from idferry.service.clock_watch import AGAIN_AFTER_SECONDS, ClockWatch
from idferry.service.logs import open_log
from idferry.service.metrics import Metrics


@pytest.mark.parametrize(("skew_s", "told"), [(0.0, 0), (30.0, 0), (-30.0, 0), (30.5, 1), (-31.0, 1)])
def test_a_clock_that_is_off_by_more_than_30_seconds_is_an_alert(skew_s: float, told: int) -> None:
    clock, log = HandClock(), io.BytesIO()
    metrics = Metrics(clock)
    watch = ClockWatch(clock=clock, log=open_log(log, clock=clock), metrics=metrics)
    watch.heard(skew_s)
    assert f"idferry_clock_skew_seconds {skew_s}" in metrics.text().decode()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [one["directory_ahead_seconds"] for one in lines] == [skew_s] * told
    assert (b'idferry_alerts_total{alert="clock_skew"} 1.0' in metrics.text()) is bool(told)


def test_it_is_told_again_only_after_a_while() -> None:
    clock, log = HandClock(), io.BytesIO()
    watch = ClockWatch(clock=clock, log=open_log(log, clock=clock), metrics=Metrics(clock))
    for _ in range(50):
        watch.heard(-90.0)
    assert len(log.getvalue().splitlines()) == 1
    clock.advance(AGAIN_AFTER_SECONDS)
    watch.heard(-90.0)
    assert len(log.getvalue().splitlines()) == 2
