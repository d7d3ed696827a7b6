import type { CommonLayerSpec } from '#dist/model/spec.js';
import type { FamilyKernels } from '#dist/wasm/family-registry.js';
import type { Check, Draw } from '../check.js';
import { checkSteps, checkWhole, drawSpec } from '../layers.js';
import { drawClip, drawFunc, drawFuncs } from './general.js';

/** A layer that says what its kind's default does not. */
function drawFamily(draw: Draw): CommonLayerSpec {
  const layer = drawSpec(draw);
  // A limit that is there makes every cell a general one.
  const zoneout = draw.pick([true, false]) ? { zoneout: draw.pick([0.1, 0.5, 1]) } : {};
  const said = { clip: draw.pick([0.5, 20]), ...drawClip(draw), ...zoneout };
  switch (layer.kind) {
    case 'lstm': {
      const flags = { coupled: draw.pick([true, false]), peepholes: draw.pick([true, false]) };
      return { ...layer, ...said, ...drawFuncs(draw, 3), ...flags };
    }
    case 'gru':
      return { ...layer, ...said, ...drawFuncs(draw, 2) };
    case 'elman':
      return { ...layer, ...said, activation: drawFunc(draw) };
  }
}

export const familyLayerChecks = {
  family_recurrent_f32: ((ground, draw) =>
    checkWhole(ground, draw, drawFamily(draw))) as Check<FamilyKernels>,

  family_step_f32: ((ground, draw) => checkSteps(ground, draw, drawFamily(draw))) as Check<FamilyKernels>,
};
