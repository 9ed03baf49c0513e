"""A process that runs for ever and tells when a limit is passed."""

from armillary import call, sleep, workflow

HOUR = "1h"


@workflow
def monitor_sensor(sensor: str, low: float = 2.0, high: float = 8.0):
    alarms = 0
    while True:
        value = call("sensors/read", id=sensor)
        if not low <= value <= high:
            alarms += 1
            call("alarms/raise", sensor=sensor, text="{} is {:.1f}".format(sensor, value))
            if alarms >= 10:
                raise RuntimeError(f"too many alarms of {sensor}")
        sleep(HOUR)
