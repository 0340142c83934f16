"""Operations tooling: the `classin` command, the private Redis, the simulator and the doctor."""
