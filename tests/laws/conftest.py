"""How the laws are tried where a bug has been planted: to be caught, not to be explained."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "planted",
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
)
