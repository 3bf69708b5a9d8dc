"""Cancellation and departure are read from notes by closed lists: what counts, and what must not."""

from __future__ import annotations

import pytest

from customer_research.sources.hubspot.mentions import mentions_cancellation, mentions_champion_left

CANCELS = [
    "They want to cancel their subscription at the end of the month.",
    "Customer asked to cancel.",
    "Wants to cancel, too expensive.",
    "Owner is thinking about cancelling",
    "Considering cancellation of the Moovs account",
    "Sent a cancellation request yesterday",
    "Received notice of cancellation",
    "Subscription to be canceled in June",
    "Not happy and wants to cancel",
    "No, they want to cancel the plan.",
    "Too many cancelled trips, so they will cancel the subscription.",
    "If they don't get the fix they will cancel",
    "Not sure whether to cancel",
    "They have no choice but to cancel",
    "Please terminate our contract",
    "She wants to close her account",
    "They will not be renewing",
    "Owner won't renew in March",
    "Sent a non-renewal letter",
    "They are switching to a competitor next quarter",
    "Moving to another platform",
    "Thinking of leaving Moovs",
    "They no longer need the service",
    "They\u2019ve decided to stop using the software",
    "Account is likely to churn",
    "Cancellation risk: high",
]
KEEPS = [
    "",
    "Spoke about the invoice question.",
    "No cancellation requested.",
    "They do not want to cancel.",
    "They no longer want to cancel the subscription.",
    "The owner decided against cancelling the subscription.",
    "Cancellation was withdrawn.",
    "Cancellation is off the table, not an option for them.",
    "I don't think they will cancel.",
    "Cancelled trip on Friday, refund pending.",
    "The passenger cancelled the ride an hour before pickup.",
    "Wants to cancel a reservation in the app.",
    "Their cancellation policy needs a field on the booking site.",
    "Charges a cancellation fee of 50.",
    "Cancellation rate is up this month.",
    "Meeting cancelled, to be moved to Tuesday.",
    "They cancelled the demo.",
    "How to cancel trips in bulk",
    "You can cancel anytime.",
    "If you cancel your subscription before the 5th nothing is due.",
    "They are switching to the annual plan.",
    "Moving to another city.",
    "They moved to a new office.",
    "Leaving us a good review",
    "Did not renew their insurance yet",
    "We have not discussed the renewal.",
    "They renewed for a year.",
    "Driver will cancel tomorrow's run",
    "Rather than cancelling they will downgrade",
    "They are not leaving Moovs.",
    "> I want to cancel my subscription",
    "Account manager cancelled the call",
    "Closed the account page by mistake",
    "Two corporate accounts cancelled this month.",
    "Lost a client: the hotel contract was terminated",
    "Their contract with the school district was terminated",
    "Wants to cancel the passenger app demo",
]
LEFT = [
    "Ana has left the company; new point of contact to be found.",
    "Our champion left last week",
    "The dispatcher is leaving the company in May",
    "Bruno is no longer with the company.",
    "Celia no longer works there",
    "Main contact resigned in March",
    "Operations manager was let go",
    "Her last day is Friday",
    "Dario moved on to another company",
    "Elin took a new job elsewhere",
    "Their controller has retired: the controller has recently retired",
]
STAYS = [
    "",
    "Left a voicemail.",
    "She left a message with the front desk",
    "Contact left a voicemail",
    "Ana has not left the company.",
    "She is not leaving the company",
    "A driver has left the company, two more hired.",
    "Three trips left this month",
    "Where we left off last time",
    "Our account manager has left the company, intro of the new one",
    "Ana left Moovs",
    "Please add a new point of contact",
    "What happens if she left the company",
    "The import no longer works with that file",
    "The contact left the meeting early",
    "Old vehicles have been retired",
]


@pytest.mark.parametrize("text", CANCELS)
def test_speaks_of_cancelling(text: str) -> None:
    assert mentions_cancellation(text)


@pytest.mark.parametrize("text", KEEPS)
def test_does_not_speak_of_cancelling(text: str) -> None:
    assert not mentions_cancellation(text)


@pytest.mark.parametrize("denial", ["did not", "didn't", "don't", "never", "won't"])
@pytest.mark.parametrize("subject", ["they", "he", "she", "we", "I"])
@pytest.mark.parametrize("act", ["cancel", "cancel the subscription", "terminate our contract"])
def test_a_denial_is_of_the_subject_that_it_stands_with(subject: str, denial: str, act: str) -> None:
    """Who never heard that others want to leave says that they do."""
    assert not mentions_cancellation(f"{subject} {denial} want to {act}")
    assert mentions_cancellation(f"We {denial} know {subject} want to {act}")
    assert mentions_cancellation(f"We {denial} know what {subject} need to {act}")


@pytest.mark.parametrize("text", LEFT)
def test_says_that_a_contact_left(text: str) -> None:
    assert mentions_champion_left(text)


@pytest.mark.parametrize("text", STAYS)
def test_says_no_contact_left(text: str) -> None:
    assert not mentions_champion_left(text)


def test_a_long_note_is_read_in_reasonable_time() -> None:
    assert not mentions_cancellation("not " * 20_000)
    assert not mentions_champion_left("contact has just recently " * 5_000)
