"""Steps from images to scores: functions of options and inputs that write a folder of outputs."""
