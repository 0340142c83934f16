"""Remedies: what a person does about a code."""

from enum import Enum


class Remedy(Enum):
    """What a person does about a code, as text."""

    NOTHING = "Nothing: this is done."
    NOTHING_YET = "Nothing: wait for it."
    WAIT = "Nothing: it is tried again by itself."
    LOOK = "Look in ClassIn which part is there, then submit what is missing."
    RESUBMIT = "When ClassIn is well again, submit the operation anew."
    SLOW_DOWN = "Nothing: it is sent again later, and more slowly."
    CHANGE = "Correct the field that the message names and submit the operation anew."
    FIND = "Check the id: what it names is not there, or belongs to another institution."
    STATE = "Look at it in ClassIn: its present state does not allow this."
    ROLES = "The person holds a role that forbids this one: settle that in ClassIn first."
    LIMIT = "A limit of the plan or of the entity is reached: make room, or ask ClassIn for more."
    EXISTS = "It exists already: use that one, or choose another name and submit anew."
    ALREADY = "It is so already: nothing is left to do, unless something else was meant."
    JOIN = "Register or add this person where they are missing, or check the id."
    PERSON = "Name another person, or settle this one's account in ClassIn first."
    PLAN = "Leave it out, or ask ClassIn to open it for the institution."
    SPLIT = "Too much for one request: submit it in smaller parts."
    SERVICE = "ClassIn failed inside: look whether it was done, then retry; else ask its support."
    ACCOUNT = (
        "Check SID and secret with `classin doctor`, and in ClassIn's back office that the API is"
        " permitted and the account is paid."
    )
    CLOCK = "Set the clock of the worker's machine (NTP); `classin doctor` measures it."
