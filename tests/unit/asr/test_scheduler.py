from hypothesis import given
from hypothesis import strategies as st

from asr.scheduler import DecodeQueue


def test_finals_go_before_partials_and_the_earliest_deadline_first():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    queue.add_final("b", 5.0, "late")
    queue.add_final("c", 2.0, "early")
    assert [queue.take(0).item for _ in range(3)] == ["early", "late", "partial"]
    assert queue.take(0) is None


def test_a_newer_partial_replaces_an_older_one():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "old")
    queue.add_partial("a", 2.0, "new")
    assert queue.take(0).item == "new"
    assert queue.skipped == 1


def test_a_final_makes_the_waiting_partial_pointless():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    queue.add_final("a", 1.0, "final")
    assert queue.take(0).item == "final"
    queue.done("a")
    assert queue.take(0) is None
    assert queue.skipped == 1


def test_an_overdue_partial_is_skipped():
    queue = DecodeQueue()
    queue.add_partial("a", 1.0, "partial")
    assert queue.take(1.5) is None
    assert queue.skipped == 1
    assert queue.idle


def test_a_leg_is_decoded_one_at_a_time():
    queue = DecodeQueue()
    queue.add_final("a", 1.0, 1)
    queue.add_final("a", 2.0, 2)
    queue.add_final("b", 3.0, 3)
    assert [queue.take(0).item, queue.take(0).item, queue.take(0)] == [1, 3, None]
    queue.done("a")
    assert queue.take(0).item == 2


legs = st.sampled_from("abc")
times = st.floats(0, 10)
steps = st.one_of(
    st.tuples(st.just("final"), legs, times),
    st.tuples(st.just("partial"), legs, times),
    st.tuples(st.just("take"), times),
    st.tuples(st.just("done"), legs),
)


class Desk:
    """Plays a script on a queue and keeps the books."""

    def __init__(self):
        self.queue = DecodeQueue()
        self.added, self.taken, self.partials, self.served = [], [], 0, 0

    def play(self, number, kind, *rest):
        if kind == "final":
            self.queue.add_final(rest[0], rest[1], (rest[0], number))
            self.added.append((rest[0], number))
        elif kind == "partial":
            self.queue.add_partial(rest[0], rest[1], (rest[0], number))
            self.partials += 1
        elif kind == "done":
            self.queue.done(rest[0])
        else:
            self.take(rest[0])

    def take(self, now):
        job = self.queue.take(now)
        if job is not None and job.partial:
            self.served += 1
        elif job is not None:
            self.taken.append(job.item)

    def finish(self):
        while not self.queue.idle:
            for leg in "abc":
                self.queue.done(leg)
            self.take(0)


@given(st.lists(steps, max_size=60))
def test_whatever_comes_no_final_is_lost_and_a_legs_finals_keep_their_order(script):
    desk = Desk()
    for number, step in enumerate(script):
        desk.play(number, *step)
    desk.finish()
    assert sorted(desk.taken) == sorted(desk.added)
    for leg in "abc":
        assert [t for t in desk.taken if t[0] == leg] == [a for a in desk.added if a[0] == leg]
    assert desk.served + desk.queue.skipped == desk.partials
