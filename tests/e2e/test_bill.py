"""A few thousand mixed requests, faults and hang-ups included: the provider's bill and the ledger agree to the last
pico-dollar. `tests/bench/bill` is the same with a hundred thousand.

SPDX-License-Identifier: Apache-2.0
"""
from conftest import need
from farthing import crowd
from farthing.patience import SANITIZED

REQUESTS = 500 if SANITIZED else 3000


def test_the_bill_and_the_ledger_agree_to_the_last_pico_dollar(tmp_path):
    need("farthing-sim")
    found, tally = crowd.compare(tmp_path, {}, REQUESTS, seed=1)
    assert not found.faults, (found.faults[:20], found.figures)
    assert found.figures["billed"] > found.figures["unstated"] > 0 and found.figures["missed"] == 0
    assert tally[200] > REQUESTS * 0.8 and tally["left"] > 0, tally


def test_what_is_billed_behind_the_back_of_an_aborted_call_is_covered(tmp_path):
    need("farthing-sim")
    found, tally = crowd.compare(tmp_path, {"budget": {"on_disconnect": "abort"}}, REQUESTS // 2, seed=2, leavers=0.3)
    assert not found.faults, (found.faults[:20], found.figures)
    assert tally["left"] > REQUESTS // 20, tally
