"""A process that runs for ever and tells when a limit is passed."""

from armillary import call, fail, sleep, workflow

HOUR = "1h"


@workflow
def monitor_sensor(sensor: str, low: float = 2.0, high: float = 8.0):
    alarms = 0
    while True:
        value = call("sensors/read", arguments={"id": sensor})
        if not low <= value <= high:
            alarms += 1
            call("alarms/raise", sensor=sensor, text=f"{sensor} is {value:.1f}")
            if alarms >= 10:
                fail("sensor.alarms", f"too many alarms of {sensor}")
        sleep(HOUR)
