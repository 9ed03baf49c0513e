"""Rotate keys one host at a time; stop at the first failure; always leave maintenance mode."""

from armillary import Failure, call, fail, sleep, workflow


@workflow
def rotate_keys(hosts: list[str], grace_minutes: int = 5, dry_run: bool = False):
    done = []
    call("monitoring/silence", hosts=hosts)
    try:
        for host in hosts:
            if host in done:
                continue
            if dry_run:
                call("log/write", text="would rotate " + host)
                done.append(host)
                continue
            call("vault/rotate", host=host)
            sleep(f"{grace_minutes}m")
            health = call("monitoring/health", host=host)
            if health.status != "ok":
                raise RuntimeError(f"{host} is {health.status}")
            done.append(host)
    except Failure as e:
        call("pager/page", text=str(e), done=done)
        raise
    finally:
        call("monitoring/unsilence", hosts=hosts)
    return done
