"""A code by mail, three attempts, a quarter of an hour."""

from armillary import Timeout, call, wait_for_signal, workflow


@workflow
def reset_password(email: str) -> bool:
    code = call("mail/send-code", to=email)
    try:
        answer = wait_for_signal("code-entered", match=email, timeout="15m")
    except Timeout:
        return False
    return answer == code
