import { writeFile } from 'node:fs/promises';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import { createTrainer } from '#dist/train-node.js';
import { makeTraining, tinyGroups } from './cases.js';
import { openRequest, type Torch } from './torch.js';

/**
 * Before anything is timed: on small models of every structure that both have, loss, every gradient and the losses of
 * three updates must agree with PyTorch's. Two programs in f32 differ by some roundings of the largest terms that they
 * add up; a wrong gate, row or optimiser is off by a thousand times as much.
 * @param folder where the weights may be written
 */
export async function checkAgainstTorch(torch: Torch, folder: string): Promise<void> {
  for (const { cases } of tinyGroups()) {
    for (const at of cases) {
      const training = makeTraining(at, 11, 0);
      const { spec, options, learningRate, batch } = training;
      const trainer = await createTrainer(spec, options);
      const file = `${folder}/tiny.safetensors`;
      await writeFile(file, writeSafetensors(trainer.tensors()));
      await torch.ask(openRequest('tiny', training, file));
      const theirs = await torch.ask<{ loss: number; gradients: Record<string, number[]> }>({
        call: 'gradients',
        name: 'tiny',
      });
      const ours = await trainer.gradients(batch);
      expectNear(`${at.name}: loss`, (await trainer.evaluate(batch)).loss, theirs.loss, 1e-5);
      for (const [name, expected] of Object.entries(theirs.gradients)) {
        const { data } = ours[name]!;
        const most = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
        if (data.length !== expected.length) throw new Error(`${at.name}: ${name} has another size`);
        for (const [i, value] of data.entries())
          expectNear(`${at.name}: ${name}[${i}]`, value, expected[i]!, 1e-4 * most);
      }
      const { losses } = await torch.ask<{ losses: number[] }>({ call: 'steps', name: 'tiny', count: 3 });
      for (const [i, expected] of losses.entries())
        expectNear(`${at.name}: update ${i}`, (await trainer.step(batch, learningRate)).loss, expected, 1e-4);
      trainer.dispose();
      await torch.ask({ call: 'close', name: 'tiny' });
    }
  }
}

export function expectNear(what: string, found: number, expected: number, apart: number): void {
  if (!(Math.abs(found - expected) <= apart))
    throw new Error(`${what} is ${found}, PyTorch's ${expected}: not measured.`);
}
