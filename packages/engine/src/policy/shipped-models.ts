import shipped from '../../models/placement.json' with { type: 'json' };
import { learnedPlacement } from './learned.ts';
import type { PlacementModel } from './placement-model.ts';

/** The policy with the weights that come with CloudAI; the card beside them says what they were trained on. */
export const learned = learnedPlacement(shipped.model as PlacementModel);
