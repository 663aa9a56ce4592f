let sound: AudioContext | undefined;

/** A short tone. Browsers let a page be heard only after it was touched once; before that this does nothing. */
export function beep(hertz: number, seconds: number, type: OscillatorType = "sine") {
  sound ??= new AudioContext();
  if (sound.state === "suspended") void sound.resume();
  const [tone, volume] = [sound.createOscillator(), sound.createGain()];
  tone.type = type;
  tone.frequency.value = hertz;
  volume.gain.value = 0.1;
  tone.connect(volume).connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + seconds);
}
